using System.Collections.Concurrent;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>Retries, time limits and cut-off attempts over a restart.</summary>
public sealed class RetryRestartTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_failed_attempt_and_its_due_time_survive_a_restart()
    {
        using var data = new TestDatabase();
        var attempts = new ConcurrentQueue<int>();
        void App(IGranaryBuilder g) => g.AddWorkflow<int, int>("retry", (ctx, _) => ctx.StepAsync("step", step =>
        {
            attempts.Enqueue(step.Attempt);
            return step.Attempt == 0 ? throw new InvalidOperationException("once") : Task.FromResult(step.Attempt);
        }, new() { Retry = new(2) { Delay = TimeSpan.FromSeconds(2), UseJitter = false } }));

        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Workflow<int, int>("retry").StartAsync(0, new() { Id = "run" }, Stop);
            await Eventually.TrueAsync(data.Path, "the failed attempt is recorded", () => data.Count("run", "StepRetried") == 1);
        }

        await using (var app = await data.StartAsync(App))
            Assert.Equal(1, await app.Client.Run<int>("run").ResultAsync(Stop));

        Assert.Equal([0, 1], attempts);
        Assert.Equal([[1L]], data.Query("""
            select s.started_at >= r.due_at from granary_journal s join granary_journal r on r.kind = 'StepRetried' where s.kind = 'StepSucceeded'
            """));
        Invariants.AssertHold(data.Path);
    }

    [Fact]
    public async Task a_body_that_a_stop_cuts_off_runs_again_as_the_same_attempt_and_nothing_is_charged()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        var seen = new ConcurrentQueue<(int Attempt, string Key, int Epoch)>();
        void App(IGranaryBuilder g) => g.AddWorkflow<int, int>("cut off", (ctx, _) => ctx.StepAsync("step", async step =>
        {
            seen.Enqueue((step.Attempt, step.IdempotencyKey, step.Epoch));
            await gate.PassAsync(step);
            return step.Attempt;
        }));

        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Workflow<int, int>("cut off").StartAsync(0, new() { Id = "run" }, Stop);
            await gate.Reached;
        }

        Assert.Equal([["running", null]], data.Query("select status, owner from granary_runs_v"));
        gate.Open();
        await using (var app = await data.StartAsync(App))
        {
            Assert.Equal(0, await app.Client.Run<int>("run").ResultAsync(Stop));
            Assert.Equal(0, (await app.Client.Run("run").InfoAsync(Stop)).RecoveryAttempts);
        }

        Assert.Equal([(0, 1), (0, 2)], seen.Select(s => (s.Attempt, s.Epoch)));
        Assert.Single(seen.Select(s => s.Key).Distinct());
        Assert.Equal([["Started", 1L], ["Released", 1L], ["Claimed", 2L], ["StepSucceeded", 2L], ["Succeeded", 2L]],
            data.Query("select kind, epoch from granary_journal_v where kind <> 'StepRunning' order by seq"));
    }

    [Fact]
    public async Task an_attempt_past_its_time_limit_fails_the_same_live_and_on_replay()
    {
        var bodies = 0;

        var (live, replayed) = await Replay.OfAsync(async (ctx, see) =>
        {
            var e = await Caught.OfAsync<StepTimeoutException>(() => ctx.StepAsync("slow", async step =>
            {
                Interlocked.Increment(ref bodies);
                await Task.Delay(Timeout.Infinite, step.CancellationToken);
            }, new() { Timeout = TimeSpan.FromMilliseconds(50), Retry = new(2) { Delay = TimeSpan.Zero } }));
            see($"{e.Code} {e.Message} {e.Error.Code} {e.Attempts.Count}");
        });

        Assert.StartsWith("GRN1302 GRN1302: Step 'slow' (a1) failed after 2 attempts", Assert.Single(live));
        Assert.EndsWith(" GRN1302 2", live[0]);
        Assert.Equal(live, replayed);
        Assert.Equal(2, bodies);
    }

    [Fact]
    public async Task a_body_that_does_not_heed_its_token_is_given_up_a_moment_after_its_limit()
    {
        var never = new TaskCompletionSource<int>();
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, int>("deaf", (ctx, _) =>
            ctx.StepAsync("deaf", step => step.Attempt == 0 ? never.Task : Task.FromResult(7), new()
            {
                Timeout = TimeSpan.FromMilliseconds(50),
                Retry = new(2) { Delay = TimeSpan.Zero },
            })));

        Assert.Equal(7, await app.Client.Workflow<int, int>("deaf").RunAsync(0, cancellationToken: Stop));
        never.SetResult(1);
    }

    [Fact]
    public async Task a_body_that_cancels_by_itself_fails_and_is_no_time_out()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, string>("cancels", async (ctx, _) =>
        {
            var e = await Caught.OfAsync<StepFailedException>(() => ctx.StepAsync<int>("step", _ => throw new OperationCanceledException("mine"),
                new() { Timeout = TimeSpan.FromMinutes(1) }));
            return $"{e.Code} {e.Is<OperationCanceledException>()} {e.Error.Message}";
        }));

        Assert.Equal("GRN1301 True mine", await app.Client.Workflow<int, string>("cancels").RunAsync(0, cancellationToken: Stop));
    }
}
