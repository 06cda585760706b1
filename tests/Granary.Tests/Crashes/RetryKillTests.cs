using Granary.Tests.Agents.Gemini;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>Retries belong to the run, not to the process: their count, their times and their limit outlive it.</summary>
[Trait("Speed", "Slow")]
public sealed class RetryKillTests
{
    [Fact]
    [Trait("Scenario", "R-02")]
    public async Task a_kill_between_the_second_and_the_third_attempt_costs_no_attempt()
    {
        var times = new List<DateTimeOffset>();
        await using var server = Server(times, failures: 3);
        using var run = new KilledRun();
        var input = $"{server.Endpoint} 1000";

        await run.HostAsync("fetch", input, meanwhile: child => KillAfterFailuresAsync(run, child, 2));
        var last = await run.HostAsync("fetch", input);

        AssertSound(run);
        Assert.Contains("result done", last.Lines);
        Assert.Equal(4, server.Requests.Count);
        Assert.Equal(["0 retried", "1 retried", "2 retried", "3 succeeded"], last.After.Attempts.Select(a => $"{a.Number} {a.Outcome}"));

        // The back-off went on where it was, wherever the kill fell. A timer may fire a little early.
        var waits = times.Zip(times.Skip(1), (a, b) => (b - a).TotalSeconds).ToList();
        Assert.True(waits[0] > 0.9 && waits[1] > 1.9 && waits[2] > 3.9, string.Join(' ', waits));
        Load.Report($"1 kill between attempts 2 and 3; the server saw {server.Requests.Count} requests");
    }

    [Fact]
    [Trait("Scenario", "R-03")]
    public async Task four_failures_with_a_kill_in_between_exhaust_four_attempts()
    {
        await using var server = Server([], failures: int.MaxValue);
        using var run = new KilledRun();
        var input = $"{server.Endpoint} 600";

        await run.HostAsync("fetch", input, meanwhile: child => KillAfterFailuresAsync(run, child, 2));
        var last = await run.HostAsync("fetch", input);

        AssertSound(run);
        Assert.Contains("result gave up after 4", last.Lines);
        Assert.Equal(4, server.Requests.Count);
        Assert.Equal(["0 retried", "1 retried", "2 retried", "3 failed"], last.After.Attempts.Select(a => $"{a.Number} {a.Outcome}"));
    }

    [Fact]
    public async Task the_total_limit_of_a_step_runs_on_while_no_process_lives()
    {
        var times = new List<DateTimeOffset>();
        await using var server = Server(times, failures: int.MaxValue);
        using var run = new KilledRun();
        var limit = TimeSpan.FromSeconds(5);
        var input = $"{server.Endpoint} 1500 {limit.TotalMilliseconds}";

        await run.HostAsync("fetch", input, meanwhile: child => KillAfterFailuresAsync(run, child, 1));
        var left = times[0] + limit - DateTimeOffset.UtcNow + TimeSpan.FromMilliseconds(100);
        await Task.Delay(left < TimeSpan.Zero ? TimeSpan.Zero : left, TestContext.Current.CancellationToken);
        var last = await run.HostAsync("fetch", input);

        AssertSound(run);
        Assert.Contains(last.Lines, l => l.StartsWith("result gave up", StringComparison.Ordinal));
        Assert.Single(server.Requests);
        Assert.Equal(["0 retried", "1 failed"], last.After.Attempts.Select(a => $"{a.Number} {a.Outcome}"));
    }

    private static LoopbackServer Server(List<DateTimeOffset> times, int failures) => new(_ =>
    {
        lock (times)
        {
            times.Add(DateTimeOffset.UtcNow);
            return times.Count <= failures ? LoopbackReply.Json(500, "{}") : LoopbackReply.Json(200, "done");
        }
    });

    /// <summary>SIGKILL as soon as that many failures are stored.</summary>
    private static async Task KillAfterFailuresAsync(KilledRun run, ChildProcess child, int failures)
    {
        await child.LineAsync(l => l.StartsWith("acknowledged", StringComparison.Ordinal));
        await Until.TrueAsync(() => TestData.Query(run.Data, "select 1 from granary_journal_v where kind = 'StepRetried'").Count >= failures, child);
        child.Kill();
    }

    private static void AssertSound(KilledRun run)
    {
        Assert.Equal(1, run.Kills);
        var violations = Violations.Of(run);
        Assert.True(violations.Count == 0, $"{string.Join('\n', violations)}\n{run}");
    }
}
