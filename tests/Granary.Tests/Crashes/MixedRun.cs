using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>What the crash host's workflow <c>mixed</c> does when nothing disturbs it.</summary>
internal static class MixedRun
{
    public const string Result = "result 1 10,11,12 2 True";

    // a2 is a drawn id, a3 the sleep, a4 to a6 the branches, a7 the step that is retried.
    private static readonly string[] _steps = ["a1", "a4/a1", "a4/a2", "a5/a1", "a5/a2", "a6/a1", "a6/a2", "a8"];

    /// <summary>What a step's code has waited for.</summary>
    public static IEnumerable<string> Before(string key) => key switch
    {
        "a1" => [],
        "a7" => ["a4/a2", "a5/a2", "a6/a2"],
        "a8" => ["a7"],
        _ when key.EndsWith("/a2", StringComparison.Ordinal) => [key[..2] + "/a1"],
        _ => ["a1", "a2", "a3"],
    };

    /// <summary>All that a run of it must not show, however often it was killed.</summary>
    public static IReadOnlyList<string> Violations(KilledRun run) => [.. Crashes.Violations.Of(run), .. Crashes.Violations.OfOrder(run, Before)];

    /// <summary>Starts processes until one ends by itself.</summary>
    public static async Task FinishAsync(KilledRun run)
    {
        var part = await run.HostAsync("mixed");
        Assert.True(part.ExitCode == 0, run.ToString());
    }

    /// <summary>The end is that of an undisturbed run, and no crash was charged as an attempt.</summary>
    public static void AssertEnded(KilledRun run)
    {
        var violations = Violations(run);
        Assert.True(violations.Count == 0, $"{string.Join('\n', violations)}\n{run}");
        Assert.True(run.Last.Lines.Contains(Result), run.ToString());
        Assert.Equal("succeeded", run.Last.After.Status);
        var attempts = run.Last.After.Attempts.Where(a => a.Kind == "step").Select(a => $"{a.Key} {a.Number} {a.Outcome}").Order(StringComparer.Ordinal);
        Assert.Equal(
            _steps.Select(s => $"{s} 0 succeeded").Concat(["a7 0 retried", "a7 1 retried", "a7 2 succeeded"]).Order(StringComparer.Ordinal), attempts);
        Assert.Single(run.Last.After.Attempts, a => a.Kind == "timer");
        Assert.Single(run.Last.After.Attempts, a => a.Kind == "random");
    }
}
