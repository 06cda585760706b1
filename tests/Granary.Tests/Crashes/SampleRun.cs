using System.Text.Json;
using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>A line that the sample prints with <c>--output json</c>.</summary>
internal sealed record SampleLine(string Event, string? Key, string? Kind, int Attempt, string Source, string? Text)
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web);

    /// <summary>The lines of a process; a kill may cut the last one.</summary>
    public static IReadOnlyList<SampleLine> Of(Part part) =>
        [.. part.Lines.Where((l, i) => !part.WasKilled || i < part.Lines.Count - 1 || l.EndsWith('}')).Select(l => JsonSerializer.Deserialize<SampleLine>(l, _json)!)];
}

/// <summary>The sample with its built-in question, killed and started again, compared with one that nobody disturbed.</summary>
internal static class SampleRun
{
    public static readonly string[] ToolDelay = ["--tool-delay", "200ms"];

    private static readonly Lazy<Task<Undisturbed>> _undisturbed = new(AskAsync);

    public static Task<Undisturbed> UndisturbedAsync() => _undisturbed.Value;

    /// <summary>Starts processes until one ends by itself, and compares.</summary>
    public static async Task FinishAsync(KilledRun run)
    {
        if (run.Parts.Count == 0 || run.Last.WasKilled)
            await run.SampleAsync(ToolDelay);
        await AssertEndedAsync(run);
    }

    public static async Task AssertEndedAsync(KilledRun run)
    {
        var undisturbed = await UndisturbedAsync();
        var violations = Violations.Of(run).Concat(run.Parts.SelectMany(OfLines)).ToList();
        Assert.True(violations.Count == 0, $"{string.Join('\n', violations)}\n{run}");
        Assert.True(run.Last.ExitCode == 0, run.ToString());
        var lines = SampleLine.Of(run.Last);
        Assert.Equal(undisturbed.Answer, lines[^1].Text);
        Assert.Equal(undisturbed.Steps, lines.SkipLast(1).Select(l => $"{l.Kind} {l.Key} {l.Attempt}").Order(StringComparer.Ordinal));
        Assert.Equal(undisturbed.Steps, run.Last.After.Attempts.Select(a => $"{a.Kind} {a.Key} {a.Number}").Order(StringComparer.Ordinal));
        Assert.All(run.Last.After.Attempts, a => Assert.Equal("succeeded", a.Outcome));
    }

    /// <summary>What a process printed is stored, and it says rightly whether it did a step itself.</summary>
    private static IEnumerable<string> OfLines(Part part)
    {
        foreach (var line in SampleLine.Of(part))
        {
            var isStored = line.Event == "answer" ? part.After.HasEnd : part.After.HasOutcome(line.Key!);
            var wasStored = line.Event == "answer" ? part.Before.HasEnd : part.Before.HasOutcome(line.Key!);
            if (!isStored)
                yield return $"ACKNOWLEDGED: process {part.Pid} printed {line}, which isn't stored";
            if (line.Source != (wasStored ? "journal" : "executed"))
                yield return $"SOURCE: process {part.Pid} printed {line}, which was {(wasStored ? "" : "not ")}there before it";
        }
    }

    private static async Task<Undisturbed> AskAsync()
    {
        using var run = new KilledRun();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var part = await run.SampleAsync(ToolDelay);
        Assert.True(part.ExitCode == 0, run.ToString());
        var lines = SampleLine.Of(part);
        Assert.Equal(["executed"], lines.Select(l => l.Source).Distinct());
        return new Undisturbed(lines[^1].Text!, [.. lines.SkipLast(1).Select(l => $"{l.Kind} {l.Key} {l.Attempt}").Order(StringComparer.Ordinal)], clock.Elapsed);
    }

    internal sealed record Undisturbed(string Answer, IReadOnlyList<string> Steps, TimeSpan Took);
}
