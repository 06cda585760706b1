using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>
/// A process stops in the middle, somebody else takes its run, and it wakes: what it still does is kept nowhere and told to nobody.
/// </summary>
[Trait("Speed", "Slow")]
public sealed class TakeOverTests
{
    [Fact]
    public async Task an_outcome_that_comes_after_a_claim_is_refused_and_the_step_runs_again()
    {
        using var run = new KilledRun();

        await PausedAsync(run, "five", "writer: before the commit#3", usurper => usurper.Claims());
        Assert.Equal(["Started 1", "StepSucceeded 1", "Claimed 2"], Facts(run));

        await FinishFiveAsync(run);
        Assert.Equal([1, 2, 1, 1, 1], Begins(run));
    }

    [Fact]
    public async Task a_park_that_comes_after_a_claim_changes_nothing_of_the_run()
    {
        using var run = new KilledRun();

        await PausedAsync(run, "sleeper", "run: before its last row#1", usurper => usurper.Claims(), input: "3600000");

        Assert.Equal(["Started 1", "Claimed 2"], Facts(run));
        Assert.Equal([["running", Usurper.Incarnation, null]], Hosting.TestData.Query(run.Data, "select status, owner, wake_at from granary_runs_v"));
        Assert.Empty(Violations.Of(run));
    }

    [Fact]
    public async Task an_end_that_comes_after_a_claim_is_neither_kept_nor_told()
    {
        using var run = new KilledRun();

        await PausedAsync(run, "five", "run: before its last row#1", usurper => usurper.Claims());
        Assert.Equal("Claimed 2", Facts(run)[^1]);
        Assert.DoesNotContain(run.Last.Lines, l => l.StartsWith("result", StringComparison.Ordinal));

        // All steps are recorded: the next one only ends it.
        await FinishFiveAsync(run);
        Assert.Equal([1, 1, 1, 1, 1], Begins(run));
    }

    [Fact]
    public async Task an_outcome_that_comes_after_the_run_was_ended_and_deleted_leaves_no_row()
    {
        using var run = new KilledRun();

        await PausedAsync(run, "five", "writer: before the commit#3", usurper =>
        {
            usurper.Claims();
            usurper.Ends();
            usurper.Deletes();
        });

        Assert.Empty(run.Last.After.Facts);
        Assert.DoesNotContain(run.Last.Lines, l => l.StartsWith("result", StringComparison.Ordinal));
        Assert.Empty(Hosting.TestData.Query(run.Data, "select * from granary_journal"));
    }

    [Fact]
    public async Task a_body_that_was_about_to_begin_may_run_once_more_but_is_recorded_by_its_owner_alone()
    {
        using var run = new KilledRun();

        await PausedAsync(run, "five", "step: before the body#4", usurper =>
        {
            usurper.Claims();
            usurper.Records("a4", "step 4", 4);
        });
        Assert.Equal(["Started 1", "StepSucceeded 1", "StepSucceeded 1", "StepSucceeded 1", "Claimed 2", "StepSucceeded 2"], Facts(run));
        Assert.InRange(Begins(run)[3], 0, 1);

        // No activation whose claim lies above the outcome repeats it.
        var zombie = Begins(run)[3];
        await FinishFiveAsync(run);
        Assert.Equal([1, 1, 1, zombie, 1], Begins(run));
    }

    /// <summary>Lets a process stop itself at a place, takes its run, lets it go on until it knows, and kills it.</summary>
    private static async Task PausedAsync(KilledRun run, string workflow, string place, Action<Usurper> takeOver, string input = "") =>
        await run.HostAsync(workflow, input, new Dictionary<string, string> { ["GRANARY_PAUSE_AT"] = place }, meanwhile: async child =>
        {
            await child.LineAsync(l => l.StartsWith("paused", StringComparison.Ordinal));
            await Until.TrueAsync(() => IsStopped(child.Pid), child);
            takeOver(new Usurper(run.Data));
            child.Signal("CONT");
            await Until.TrueAsync(() => child.Errors.Contains("another activation claimed it", StringComparison.Ordinal), child);
            child.Kill();
        });

    private static async Task FinishFiveAsync(KilledRun run)
    {
        var last = await run.HostAsync("five");
        Assert.True(last.Lines.Contains("result 15"), run.ToString());
        Assert.Equal("succeeded", last.After.Status);
        Assert.Empty(last.After.Broken);
    }

    private static bool IsStopped(int pid) => File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1][0] == 'T';

    private static string[] Facts(KilledRun run) => [.. run.Last.After.Facts.Where(f => f.Kind != "StepRunning").Select(f => $"{f.Kind} {f.Epoch}")];

    private static int[] Begins(KilledRun run) => [.. Enumerable.Range(1, 5).Select(n => run.Effects.Count(e => e.Begins && e.Key == $"a{n}"))];
}
