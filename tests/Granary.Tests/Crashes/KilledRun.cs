using System.Globalization;

namespace Granary.Tests.Crashes;

/// <summary>One of the processes that worked on a run, and the database before and after it.</summary>
internal sealed record Part(int Pid, int ExitCode, IReadOnlyList<string> Lines, string Errors, Snapshot Before, Snapshot After)
{
    public bool WasKilled => ExitCode == 137;

    public override string ToString() =>
        $"process {Pid}, exit {ExitCode}:\n{string.Join('\n', Lines)}\n{Errors}{string.Join('\n', After.Facts.Select(f => $"  {f.Seq} {f.Epoch} {f.Kind} {f.Key}"))}";
}

/// <summary>A line of an effects file: what a body did, written down outside of the product.</summary>
internal sealed record Effect(string Key, string Journal, int Attempt, int Pid, string What)
{
    public bool Begins => What == "begin";

    public static IReadOnlyList<Effect> Read(string path)
    {
        if (!File.Exists(path))
            return [];

        // The last line may be on its way.
        return [.. File.ReadAllText(path).Split('\n')[..^1].Select(line => line.Split(' ')).Select(w =>
        {
            var key = w[0].Split('/', 2);
            return new Effect(key[1], key[0], int.Parse(w[1], CultureInfo.InvariantCulture), int.Parse(w[2], CultureInfo.InvariantCulture), w[3]);
        })];
    }
}

/// <summary>A run in a folder of its own, through all the processes that are killed under it.</summary>
internal sealed class KilledRun : IDisposable
{
    private readonly List<Part> _parts = [];

    public string Id { get; } = "run-1";

    public string Folder { get; } = Directory.CreateTempSubdirectory("granary-kill-").FullName;

    public string Data => Path.Combine(Folder, "granary.db");

    public string EffectsPath => Path.Combine(Folder, "effects");

    public IReadOnlyList<Part> Parts => _parts;

    public Part Last => _parts[^1];

    public IReadOnlyList<Effect> Effects => Effect.Read(EffectsPath);

    public int Kills => _parts.Count(p => p.WasKilled);

    /// <summary>Runs the crash host to its end.</summary>
    public Task<Part> HostAsync(string workflow, string input = "", IReadOnlyDictionary<string, string>? environment = null,
        Action<ChildProcess, string>? onLine = null, Func<ChildProcess, Task>? meanwhile = null) =>
        GoAsync(Programs.CrashHost, [workflow, Id, Data, EffectsPath, input], environment, onLine, meanwhile);

    /// <summary>Runs the sample to its end.</summary>
    public Task<Part> SampleAsync(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null,
        Action<ChildProcess, string>? onLine = null, Func<ChildProcess, Task>? meanwhile = null) =>
        GoAsync(Programs.Sample, ["--id", Id, "--data", Data, "--effects", EffectsPath, "--output", "json", .. arguments], environment, onLine, meanwhile);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>All processes, for a failing test.</summary>
    public override string ToString() =>
        $"{string.Join('\n', _parts)}\neffects:\n{(File.Exists(EffectsPath) ? File.ReadAllText(EffectsPath) : "none")}";

    private async Task<Part> GoAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment,
        Action<ChildProcess, string>? onLine, Func<ChildProcess, Task>? meanwhile)
    {
        await using var process = ChildProcess.Start(program, arguments, environment, onLine, Folder);
        if (meanwhile is not null)
            await meanwhile(process);
        var exitCode = await process.EndAsync();
        var part = new Part(process.Pid, exitCode, process.Lines, process.Errors, _parts.Count == 0 ? Snapshot.Empty : Last.After, Snapshot.Of(Data));
        _parts.Add(part);
        return part;
    }
}
