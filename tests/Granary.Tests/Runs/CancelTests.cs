using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class CancelTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Scenario", "C-05")]
    [Trait("Scenario", "C-06")]
    public async Task a_cancelled_run_fires_the_token_of_its_body_starts_no_later_step_and_runs_its_finally()
    {
        var gate = new Gate();
        var fired = new TaskCompletionSource<DateTimeOffset>(TaskCreationOptions.RunContinuationsAsynchronously);
        var cleaned = false;
        var later = 0;
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<None, string>("four", async (ctx, _) =>
        {
            await ctx.StepAsync("one", _ => Task.CompletedTask);
            try
            {
                await ctx.StepAsync("two", async step =>
                {
                    using var registered = step.CancellationToken.Register(() => fired.TrySetResult(DateTimeOffset.UtcNow));
                    await gate.PassAsync(step);
                });
            }
            catch (OperationCanceledException)
            {
                // Code that catches everything ends cancelled all the same.
            }
            finally
            {
                cleaned = true;
            }

            try
            {
                await ctx.StepAsync("three", _ => Task.FromResult(later++));
            }
            catch (OperationCanceledException)
            {
                return "caught";
            }

            return "done";
        }));
        var run = await app.Client.Workflow<None, string>("four").StartAsync(None.Value, new() { Id = "r" }, Stop);
        await gate.Reached;
        await run.CancelAsync("customer called", Stop);

        var cancelled = await Assert.ThrowsAsync<RunCancelledException>(() => run.ResultAsync(Stop));
        Assert.Equal("customer called", cancelled.Reason);
        await fired.Task.WaitAsync(TimeSpan.FromSeconds(5), Stop);
        Assert.True(cleaned);
        Assert.Equal(0, later);
        Assert.Equal([["one", "succeeded"]], app.Query("select name, outcome from granary_steps_v where outcome <> 'running'"));
        Assert.Equal(RunStatus.Cancelled, (await run.InfoAsync(Stop)).Status);

        // Again changes nothing; a run that ended otherwise can't be cancelled.
        await run.CancelAsync(cancellationToken: Stop);
        Assert.Equal([[1L]], app.Query("select count(*) from granary_journal_v where kind = 'CancelRequested'"));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    public async Task a_parked_run_is_cancelled_and_one_that_ended_is_not()
    {
        var cleaned = 0;
        await using var app = await TestApp.StartAsync(g => g.Configure(o => o.ParkAfter = TimeSpan.FromSeconds(1))
            .AddWorkflow<int, string>("sleeper", async (ctx, seconds) =>
            {
                try
                {
                    await ctx.SleepAsync(TimeSpan.FromSeconds(seconds));
                    return "awake";
                }
                finally
                {
                    cleaned++;
                }
            }));
        var run = await app.Client.Workflow<int, string>("sleeper").StartAsync(1_000, new() { Id = "r" }, Stop);
        await Eventually.TrueAsync(app.DataPath, "it is parked", () => app.Query("select 1 from granary_runs_v where owner is null and wake_at is not null").Count == 1);
        await run.CancelAsync(cancellationToken: Stop);

        Assert.Null((await Assert.ThrowsAsync<RunCancelledException>(() => run.ResultAsync(Stop))).Reason);
        Assert.Equal(1, cleaned);
        Assert.Equal([["cancelled", null, null, null]], app.Query("select status, waiting_on, owner, wake_at from granary_runs_v"));
        var done = await app.Client.Workflow<int, string>("sleeper").StartAsync(0, new() { Id = "done" }, Stop);
        await done.WaitAsync(Stop);
        Assert.Equal(RunStatus.Succeeded, (await Assert.ThrowsAsync<RunStateException>(() => done.CancelAsync(cancellationToken: Stop))).Status);
        await Assert.ThrowsAsync<RunNotFoundException>(() => app.Client.Run("nobody").CancelAsync(cancellationToken: Stop));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    public async Task code_that_takes_no_notice_of_its_cancellation_is_left_where_it_stands()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<None, string>("stubborn", async (ctx, _) =>
        {
            while (true)
            {
                try
                {
                    await ctx.WaitForSignalAsync<None>("never");
                }
                catch (Exception)
                {
                    // As a loop that only logs would do.
                }
            }
        }));
        var run = await app.Client.Workflow<None, string>("stubborn").StartAsync(None.Value, new() { Id = "r" }, Stop);
        await run.CancelAsync("enough", Stop);
        Assert.Equal("enough", (await Assert.ThrowsAsync<RunCancelledException>(() => run.ResultAsync(Stop))).Reason);
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    [Trait("Scenario", "C-07")]
    public async Task an_acknowledged_cancel_is_effective_however_close_the_end_is()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<None, string>("short", async (ctx, _) =>
        {
            await ctx.WaitForSignalAsync<None>("go");
            return "done";
        }));
        var effective = 0;
        for (var i = 0; i < 150; i++)
        {
            var run = await app.Client.Workflow<None, string>("short").StartAsync(None.Value, new() { Id = $"r{i}" }, Stop);
            var signal = run.SignalAsync("go", None.Value, cancellationToken: Stop);
            var cancel = run.CancelAsync(cancellationToken: Stop);
            var wasSignalled = await Ended(signal);
            var wasCancelled = await Ended(cancel);
            await run.WaitAsync(Stop);
            var status = (await run.InfoAsync(Stop)).Status;
            Assert.Equal(wasCancelled ? RunStatus.Cancelled : RunStatus.Succeeded, status);
            Assert.True(wasCancelled || wasSignalled);
            effective += wasCancelled ? 1 : 0;
        }

        Assert.True(effective > 0);
        Invariants.AssertHold(app.DataPath);

        static async Task<bool> Ended(Task call)
        {
            try
            {
                await call;
                return true;
            }
            catch (RunStateException)
            {
                return false;
            }
        }
    }
}
