using System.Collections.Concurrent;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class RetryTests(LiveApp app) : IClassFixture<LiveApp>
{
    private static readonly RetryOptions _quick = new(3) { Delay = TimeSpan.FromMilliseconds(1), UseJitter = false };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Scenario", "R-01")]
    public async Task a_step_is_tried_once_by_default()
    {
        var bodies = 0;

        var run = await app.StartAsync(ctx => ctx.StepAsync<int>("once", _ => throw new InvalidOperationException($"try {++bodies}")));

        var e = await Assert.ThrowsAsync<RunFailedException>(() => run.ResultAsync(Stop));
        Assert.Equal("try 1", e.Error.Message);
        Assert.Equal([[0L, "failed"]], app.Steps(run.Id, "attempt, outcome"));
    }

    [Fact]
    [Trait("Scenario", "R-02")]
    public async Task attempts_start_when_their_recorded_delays_are_over()
    {
        var run = await app.StartAsync(ctx => ctx.StepAsync("third time lucky", FailBefore(2), new()
        {
            Retry = new(3) { Delay = TimeSpan.FromMilliseconds(100), BackoffFactor = 3, UseJitter = false },
        }));

        Assert.Equal("attempt 2", await run.ResultAsync(Stop));
        var rows = app.Query($"""
            select j.attempt, j.kind, j.started_at, j.due_at, j.committed_at from granary_journal j join granary_runs r on r.key = j.run_key
            where r.id = '{run.Id}' and j.step_key is not null and j.kind <> 'StepRunning' order by j.seq
            """);
        Assert.Equal([[0L, "StepRetried"], [1L, "StepRetried"], [2L, "StepSucceeded"]], rows.Select(r => r[..2]));
        AssertDelay(rows[0], rows[1], 100_000);
        AssertDelay(rows[1], rows[2], 300_000);
        Assert.Null(rows[2][3]);

        static void AssertDelay(object?[] failed, object?[] next, long delay)
        {
            var (started, due, committed) = ((long)failed[2]!, (long)failed[3]!, (long)failed[4]!);
            Assert.InRange(due, started + delay, committed + delay);
            Assert.True((long)next[2]! >= due, "the next attempt began before its time");
        }
    }

    [Fact]
    [Trait("Scenario", "R-03")]
    public async Task exhausted_retries_name_the_step_and_carry_every_failure()
    {
        var run = await app.StartAsync(async ctx =>
        {
            var e = await Caught.OfAsync<StepFailedException>(() => ctx.StepAsync("hopeless", FailBefore(9), new() { Retry = _quick with { MaxAttempts = 4 } }));
            return (string[])[e.Code, e.Message, .. e.Attempts.Select(a => a.Message)];
        });

        var told = await run.ResultAsync(Stop);
        Assert.Equal("GRN1301", told[0]);
        Assert.Contains("Step 'hopeless' (a1) failed after 4 attempts", told[1]);
        Assert.Equal(["attempt 0", "attempt 1", "attempt 2", "attempt 3"], told[2..]);
        Assert.Equal([[0L, "retried"], [1L, "retried"], [2L, "retried"], [3L, "failed"]], app.Steps(run.Id, "attempt, outcome"));
        Assert.Equal([[null]], app.Query($"""
            select j.due_at from granary_journal j join granary_runs r on r.key = j.run_key where r.id = '{run.Id}' and j.kind = 'StepFailed'
            """));
    }

    [Theory]
    [Trait("Scenario", "R-04")]
    [InlineData(10)]
    [InlineData(2)]
    public async Task a_failure_that_the_filter_rejects_is_the_last(int maxAttempts)
    {
        var bodies = 0;

        var seen = await app.RunAsync(async ctx =>
        {
            var e = await Caught.OfAsync<StepFailedException>(() => ctx.StepAsync<int>("charge", step =>
            {
                Interlocked.Increment(ref bodies);
                throw step.Attempt == 0 ? new TimeoutException("slow") : new CardDeclinedException("declined");
            }, new() { Retry = _quick with { MaxAttempts = maxAttempts, ShouldRetry = e => e is not CardDeclinedException } }));
            return (e.Is<CardDeclinedException>(), e.Is<PaymentException>(), e.Is<TimeoutException>(), e.Attempts.Count, e.Error.Message).ToString();
        });

        Assert.Equal((true, true, false, 2, "declined").ToString(), seen);
        Assert.Equal(2, bodies);
    }

    [Fact]
    public async Task a_filter_that_throws_ends_the_retries_and_the_failure_stays()
    {
        var error = await app.RunAsync(async ctx => (await Caught.OfAsync<StepFailedException>(() => ctx.StepAsync("step", FailBefore(9),
            new() { Retry = _quick with { ShouldRetry = _ => throw new NotSupportedException("broken filter") } }))).Error.Message);

        Assert.StartsWith("attempt 0 (", error);
        Assert.Contains("NotSupportedException", error);
        Assert.Contains(app.App.Log.Lines, line => line.Text.Contains("retry filter", StringComparison.Ordinal) && line.Text.Contains("broken filter", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Scenario", "R-07")]
    public async Task a_body_knows_its_attempt_and_its_span_tells_of_the_failed_ones()
    {
        using var spans = new TestSpans();
        var seen = new ConcurrentQueue<(int Attempt, int Max, string Key)>();

        var run = await app.StartAsync(ctx => ctx.StepAsync("step", step =>
        {
            seen.Enqueue((step.Attempt, step.MaxAttempts, step.IdempotencyKey));
            return FailBefore(2)(step);
        }, new() { Retry = _quick }));
        await run.ResultAsync(Stop);

        Assert.Equal([(0, 3), (1, 3), (2, 3)], seen.Select(s => (s.Attempt, s.Max)));
        Assert.Single(seen.Select(s => s.Key).Distinct());
        var span = Assert.Single(spans.Of(run.Id), s => s.OperationName == "step step");
        Assert.Equal(["attempt failed", "attempt failed"], span.Events.Select(e => e.Name));
        Assert.Equal(2, span.GetTagItem("granary.step.attempt"));
    }

    [Fact]
    public async Task a_long_wait_that_the_failure_asks_for_shows_as_waiting_on_a_timer()
    {
        var run = await app.StartAsync(ctx => ctx.StepAsync("busy", FailBefore(1), new() { Retry = _quick with { RetryAfter = _ => TimeSpan.FromHours(1) } }));

        await Eventually.TrueAsync(app.DataPath, "the run waits", async () => (await run.InfoAsync(Stop)).Status == RunStatus.Waiting);

        Assert.Equal("timer", (await run.InfoAsync(Stop)).WaitingOn);
        Assert.Equal([[1L, 1L]], app.Query($"""
            select r.wake_at = j.due_at, j.due_at >= j.started_at + 3600000000 from granary_journal j join granary_runs r on r.key = j.run_key
            where r.id = '{run.Id}' and j.kind = 'StepRetried'
            """));
    }

    [Fact]
    public async Task no_attempt_begins_past_the_total_limit()
    {
        var run = await app.StartAsync(ctx => ctx.StepAsync("step", FailBefore(9), new()
        {
            Retry = new(9) { Delay = TimeSpan.FromHours(1), TotalTimeout = TimeSpan.FromMinutes(30) },
        }));

        await Assert.ThrowsAsync<RunFailedException>(() => run.ResultAsync(Stop));
        Assert.Equal([[0L, "failed"]], app.Steps(run.Id, "attempt, outcome"));
    }

    [Fact]
    public async Task retries_come_from_the_step_else_the_workflow_else_the_application()
    {
        await using var app = await TestApp.StartAsync(g =>
        {
            g.Configure(o => o.Retry = _quick with { MaxAttempts = 2 });
            g.AddWorkflow<int, string>("of the application", (ctx, _) => AttemptsAsync(ctx, null));
            g.AddWorkflow<int, string>("of the workflow", (ctx, _) => AttemptsAsync(ctx, null), o => o.Retry = _quick with { MaxAttempts = 3 });
            g.AddWorkflow<int, string>("of the step", (ctx, _) => AttemptsAsync(ctx, _quick with { MaxAttempts = 4 }), o => o.Retry = _quick);
        });

        Assert.Equal("attempt 1", await app.Client.Workflow<int, string>("of the application").RunAsync(0, cancellationToken: Stop));
        Assert.Equal("attempt 2", await app.Client.Workflow<int, string>("of the workflow").RunAsync(0, cancellationToken: Stop));
        Assert.Equal("attempt 3", await app.Client.Workflow<int, string>("of the step").RunAsync(0, cancellationToken: Stop));

        static Task<string> AttemptsAsync(WorkflowContext ctx, RetryOptions? retry) =>
            ctx.StepAsync("step", step => FailBefore(step.MaxAttempts - 1)(step), new() { Retry = retry });
    }

    /// <summary>A body that fails until it is tried for the given time.</summary>
    private static Func<StepContext, Task<string>> FailBefore(int attempt) => step => step.Attempt < attempt
        ? throw new InvalidOperationException($"attempt {step.Attempt}")
        : Task.FromResult($"attempt {step.Attempt}");

    private class PaymentException(string message) : Exception(message);

    private sealed class CardDeclinedException(string message) : PaymentException(message);
}
