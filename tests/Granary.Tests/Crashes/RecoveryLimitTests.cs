using System.Diagnostics;
using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>What a restart does again, what it charges, and when it gives up.</summary>
[Trait("Speed", "Slow")]
public sealed class RecoveryLimitTests
{
    private static readonly Dictionary<string, string> _limitOfThree = new() { ["GRANARY_MAX_RECOVERIES"] = "3" };

    [Fact]
    [Trait("Scenario", "V-01")]
    public async Task only_the_step_whose_body_was_cut_off_runs_again()
    {
        using var run = new KilledRun();

        await run.HostAsync("five", "300", meanwhile: async child =>
        {
            await Until.BegunAsync(run, child, "a3");
            child.Kill();
        });
        var last = await run.HostAsync("five", "300");

        AssertFive(run, last, 1, 1, 2, 1, 1);
    }

    [Fact]
    [Trait("Scenario", "V-02")]
    public async Task a_step_whose_body_ended_but_whose_outcome_was_not_stored_runs_again()
    {
        using var run = new KilledRun();

        await run.HostAsync("five", environment: CrashPointTests.At(("step: after the body", 3)));
        Assert.Contains(run.Effects, e => e is { Key: "a3", Begins: false });
        Assert.False(run.Last.After.HasOutcome("a3"));
        var last = await run.HostAsync("five");

        AssertFive(run, last, 1, 1, 2, 1, 1);
    }

    [Fact]
    [Trait("Scenario", "V-05")]
    public async Task a_run_that_kills_its_process_runs_once_and_three_times_more_and_is_poisoned()
    {
        using var run = new KilledRun();
        var trap = Path.Combine(run.Folder, "trap");
        await File.WriteAllTextAsync(trap, "", TestContext.Current.CancellationToken);

        for (var i = 0; i < 4; i++)
            Assert.True((await run.HostAsync("killer", trap, _limitOfThree)).WasKilled, run.ToString());
        var fifth = await run.HostAsync("killer", trap, _limitOfThree);

        Assert.Equal(0, fifth.ExitCode);
        Assert.Contains(fifth.Lines, l => l.StartsWith("error GRN1103", StringComparison.Ordinal));
        Assert.Equal(4, run.Effects.Count(e => e.Begins));
        Assert.Equal(("poisoned", true, "GRN1103"), (fifth.After.Status, fifth.After.IsCompleted, fifth.After.ErrorCode));
        AssertSound(run);

        // It stays so, also with the cause gone: nothing runs it, and who asks for its result is told why.
        File.Delete(trap);
        var sixth = await run.HostAsync("killer", trap, _limitOfThree);
        Assert.Contains(sixth.Lines, l => l.StartsWith("error GRN1103", StringComparison.Ordinal));
        Assert.Equal(4, run.Effects.Count(e => e.Begins));
        AssertSound(run);
    }

    [Fact]
    [Trait("Scenario", "V-07")]
    public async Task without_a_limit_a_run_is_recovered_as_often_as_it_takes()
    {
        using var run = new KilledRun();
        var trap = Path.Combine(run.Folder, "trap");
        await File.WriteAllTextAsync(trap, "", TestContext.Current.CancellationToken);
        var noLimit = new Dictionary<string, string> { ["GRANARY_MAX_RECOVERIES"] = "none" };
        var deaths = Load.IsLong ? 201 : 6;

        for (var i = 0; i < deaths; i++)
            Assert.True((await run.HostAsync("killer", trap, noLimit)).WasKilled, run.ToString());
        File.Delete(trap);
        var last = await run.HostAsync("killer", trap, noLimit);

        Assert.Contains("result alive", last.Lines);
        Assert.Equal(deaths, last.After.RecoveryAttempts);
        Assert.Equal(deaths + 1, run.Effects.Count(e => e.Begins));
        AssertSound(run);
        Load.Report($"{deaths} kills, as many recoveries");
    }

    [Fact]
    [Trait("Scenario", "W-09")]
    public async Task a_sleep_ends_at_its_time_though_the_process_was_dead_in_between()
    {
        using var run = new KilledRun();
        var started = Stopwatch.StartNew();
        async Task WaitUntilAsync(double second)
        {
            var left = TimeSpan.FromSeconds(second) - started.Elapsed;
            await Task.Delay(left < TimeSpan.Zero ? TimeSpan.Zero : left, TestContext.Current.CancellationToken);
        }

        await run.HostAsync("sleeper", "10000", meanwhile: async child =>
        {
            await child.LineAsync(l => l.StartsWith("acknowledged", StringComparison.Ordinal));
            started.Restart();
            await WaitUntilAsync(4);
            child.Kill();
        });
        await WaitUntilAsync(6);
        TimeSpan woke = default;
        var last = await run.HostAsync("sleeper", "10000", onLine: (_, line) => woke = line == "result awake" ? started.Elapsed : woke);

        Assert.Contains("result awake", last.Lines);
        Assert.InRange(woke.TotalSeconds, 9, 11);
        Assert.Single(last.After.Facts, f => f.Kind == "TimerStarted");
        var sleep = Assert.Single(last.After.Attempts, a => a is { Kind: "timer", Outcome: "succeeded" });
        Assert.InRange(sleep.Took!.Value.TotalSeconds, 9, 11);
        AssertSound(run);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task a_clean_stop_is_not_charged_as_a_recovery(string signal)
    {
        using var run = new KilledRun();

        for (var i = 0; i < 2; i++)
        {
            var stopped = await run.HostAsync("five", "30000", _limitOfThree, meanwhile: async child =>
            {
                await child.LineAsync(l => l.StartsWith("acknowledged", StringComparison.Ordinal));
                await Until.TrueAsync(() => run.Effects.Any(e => e.Pid == child.Pid && e is { Begins: true, Key: "a3" }), child);
                child.Signal(signal);
            });
            Assert.Equal(0, stopped.ExitCode);
            Assert.Contains("stopped", stopped.Lines);
            Assert.Equal(0, stopped.After.RecoveryAttempts);
        }

        Assert.Equal("running", run.Last.After.Status);
        Assert.Equal([1, 1, 2, 0, 0], Begins(run));
        AssertSound(run);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task the_sample_that_is_told_to_stop_says_nothing_exits_with_130_and_is_charged_nothing(string signal)
    {
        using var run = new KilledRun();

        var stopped = await run.SampleAsync(["--tool-delay", "60s"], meanwhile: async child =>
        {
            await Until.TrueAsync(() => run.Effects.Count == 3, child);
            child.Signal(signal);
        });
        var last = await run.SampleAsync([]);

        Assert.Equal((130, ""), (stopped.ExitCode, stopped.Errors));
        Assert.True(last.ExitCode == 0, run.ToString());
        Assert.Equal(0, last.After.RecoveryAttempts);
        AssertSound(run);
    }

    private static IEnumerable<int> Begins(KilledRun run) => Enumerable.Range(1, 5).Select(n => run.Effects.Count(e => e.Begins && e.Key == $"a{n}"));

    private static void AssertFive(KilledRun run, Part last, params int[] begins)
    {
        Assert.Contains("result 15", last.Lines);
        Assert.Equal(begins, Begins(run));
        Assert.Equal(1, last.After.RecoveryAttempts);
        Assert.All(last.After.Attempts, a => Assert.Equal(("succeeded", 0), (a.Outcome, a.Number)));
        Assert.Equal(1, run.Kills);
        AssertSound(run);
    }

    private static void AssertSound(KilledRun run)
    {
        var violations = Violations.Of(run);
        Assert.True(violations.Count == 0, $"{string.Join('\n', violations)}\n{run}");
    }
}
