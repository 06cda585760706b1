using System.Diagnostics;
using System.Globalization;
using System.Text;
using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>The executables that are killed, of the configuration that the tests were built in.</summary>
internal static class Programs
{
    public static string Sample => Of("WeatherAgent");

    public static string CrashHost => Of("Granary.CrashHost");

    private static string Of(string project)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var path = Path.Combine(own.Parent!.Parent!.FullName, project, own.Name, project);
        return File.Exists(path) ? path : throw new InvalidOperationException($"'{path}' was not built.");
    }
}

/// <summary>A process whose output is read line by line and that can be killed at any moment.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    /// <summary>How long anything may take before the test fails with what the process said.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Action<ChildProcess, string>? _onLine;
    private readonly Lock _gate = new();
    private readonly List<string> _lines = [];
    private readonly StringBuilder _errors = new();
    private readonly List<(Func<string, bool> Matches, TaskCompletionSource<string> Found)> _waiting = [];
    private readonly Task _reading;
    private bool _isOver;

    private ChildProcess(Process process, Action<ChildProcess, string>? onLine)
    {
        _process = process;
        _onLine = onLine;
        Pid = process.Id;
        _reading = Task.WhenAll(ReadOutputAsync(), ReadErrorsAsync());
    }

    public int Pid { get; }

    public bool WasKilled { get; private set; }

    public bool HasEnded => _process.HasExited;

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_gate)
                return [.. _lines];
        }
    }

    public string Errors
    {
        get
        {
            lock (_gate)
                return _errors.ToString();
        }
    }

    /// <summary>Starts a program without the settings of the shell that runs the tests.</summary>
    /// <param name="program">The executable.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">More of the environment.</param>
    /// <param name="onLine">Called with each line of standard output before the next is read.</param>
    /// <param name="folder">Where it runs.</param>
    public static ChildProcess Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null,
        Action<ChildProcess, string>? onLine = null, string? folder = null, bool isToldMore = false)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = folder ?? "",
        };
        string[] foreign = ["GRANARY_", "Granary__", "ConnectionStrings__", "GEMINI_", "GOOGLE_API_KEY"];
        foreach (var name in start.Environment.Keys.Where(k => foreign.Any(f => k.StartsWith(f, StringComparison.OrdinalIgnoreCase))).ToList())
            start.Environment.Remove(name);

        // No model is to be found on this machine; a killed process leaves no diagnostic socket behind; a short life needs no profile.
        start.Environment["OLLAMA_HOST"] = "http://127.0.0.1:1";
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        if (!isToldMore)
            process.StandardInput.Close();
        return new ChildProcess(process, onLine);
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int ExitCode, IReadOnlyList<string> Lines, string Errors)> RunAsync(string program, IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null, string? folder = null, Action<ChildProcess, string>? onLine = null)
    {
        await using var child = Start(program, arguments, environment, onLine, folder);
        return (await child.EndAsync(), child.Lines, child.Errors);
    }

    /// <summary>Types a line.</summary>
    public void Say(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>SIGKILL: no handler of the process runs.</summary>
    public void Kill()
    {
        WasKilled = true;
        _process.Kill();
    }

    /// <summary>Sends a signal by its name without SIG.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", ["-s", name, Pid.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Waits for a line, also one that is already there.</summary>
    public async Task<string> LineAsync(Func<string, bool> matches)
    {
        TaskCompletionSource<string> found = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_lines.FirstOrDefault(matches) is { } line)
                return line;
            if (_isOver)
                throw new InvalidOperationException($"The process ended without the line that was waited for.\n{Story()}");
            _waiting.Add((matches, found));
        }

        return await Within(found.Task);
    }

    /// <summary>Waits for the end and returns the exit code: 137 after SIGKILL.</summary>
    public async Task<int> EndAsync()
    {
        await Within(Task.WhenAll(_process.WaitForExitAsync(), _reading));
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        await _reading;
        _process.Dispose();
    }

    /// <summary>All that the process said, for a failing test.</summary>
    public string Story() => $"{string.Join('\n', Lines)}\n{Errors}";

    private async Task Within(Task task)
    {
        try
        {
            await task.WaitAsync(Deadline, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"Waited {Deadline.TotalSeconds} s for process {Pid}.\n{Story()}");
        }
    }

    private async Task<T> Within<T>(Task<T> task)
    {
        await Within((Task)task);
        return await task;
    }

    private async Task ReadOutputAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            List<TaskCompletionSource<string>> found;
            lock (_gate)
            {
                _lines.Add(line);
                found = [.. _waiting.Where(w => w.Matches(line)).Select(w => w.Found)];
            }

            _onLine?.Invoke(this, line);
            found.ForEach(f => f.TrySetResult(line));
        }

        lock (_gate)
        {
            _isOver = true;
            _waiting.ForEach(w => w.Found.TrySetException(new InvalidOperationException("The process ended without the line that was waited for.")));
        }
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_gate)
                _errors.Append(line).Append('\n');
        }
    }
}
