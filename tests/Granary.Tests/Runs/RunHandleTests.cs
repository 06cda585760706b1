using Granary.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>Reading runs: any number of readers, from any process, and no reader changes anything.</summary>
public sealed class RunHandleTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task any_number_may_wait_for_a_result_and_one_that_gives_up_changes_nothing()
    {
        var gate = new Gate();
        await using var app = await TestApp.StartAsync(g => AddGated(g, gate));
        var run = await app.Client.Workflow<int, int>("gated").StartAsync(7, cancellationToken: Stop);
        await gate.Reached;

        var waiters = Enumerable.Range(0, 40).Select(_ => app.Client.Run<int>(run.Id).ResultAsync(Stop)).ToList();
        using var impatient = new CancellationTokenSource();
        var givesUp = run.ResultAsync(impatient.Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givesUp);
        Assert.Equal(RunStatus.Running, (await run.InfoAsync(Stop)).Status);
        gate.Open();

        Assert.All(await Task.WhenAll(waiters), result => Assert.Equal(7, result));
    }

    [Fact]
    public async Task who_waits_is_told_of_the_end_and_never_has_to_ask_again()
    {
        var time = new PauseCounter();
        await using var app = await TestApp.StartAsync(g =>
        {
            g.Services.AddSingleton<TimeProvider>(time);
            g.AddWorkflow<int, int>("short", (ctx, number) => ctx.StepAsync("number", _ => Task.FromResult(number)));
        });

        for (var i = 0; i < 200; i++)
            Assert.Equal(i, await app.Client.Workflow<int, int>("short").RunAsync(i, cancellationToken: Stop));

        Assert.Equal(0, time.Pauses);
    }

    [Fact]
    public async Task a_later_process_reads_everything_of_an_ended_run_and_claims_nothing()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        gate.Open();
        await using (var app = await data.StartAsync(g => AddGated(g, gate)))
            await app.Client.Workflow<int, int>("gated").RunAsync(7, new() { Id = "run" }, Stop);

        var before = data.Query("select * from granary_runs");
        await using (var app = await data.StartAsync(g => AddGated(g, gate)))
        {
            var run = app.Client.Run<int>("run");
            Assert.Equal(7, await run.ResultAsync(Stop));
            await run.WaitAsync(Stop);
            var info = await run.InfoAsync(Stop);
            Assert.Equal(("gated", RunStatus.Succeeded, true, "7", "7"),
                (info.Workflow, info.Status, info.HasEnded, info.Input?.GetRawText(), info.Output?.GetRawText()));
            Assert.True(info.CreatedAt <= info.StartedAt && info.StartedAt <= info.CompletedAt);
            Assert.Equal(["gate", "number"], (await run.StepsAsync(Stop).ToListAsync(Stop)).Select(s => s.Name));
            Assert.Equal(4, (await run.WatchAsync(cancellationToken: Stop).ToListAsync(Stop)).Count);
            var again = await app.Client.Workflow<int, int>("gated").StartAsync(8, new() { Id = "run" }, Stop);
            Assert.Equal((false, true), (again.IsNew, again.InputDiffers));
        }

        Assert.Equal(before, data.Query("select * from granary_runs"));
        Assert.Equal([["Started"], ["StepSucceeded"], ["StepSucceeded"], ["Succeeded"]], data.Query("select kind from granary_journal_v order by seq"));
    }

    [Fact]
    public async Task watching_is_live_and_goes_on_after_any_sequence_number()
    {
        var gate = new Gate();
        await using var app = await TestApp.StartAsync(g => AddGated(g, gate));
        var run = await app.Client.Workflow<int, int>("gated").StartAsync(7, cancellationToken: Stop);
        var seen = new List<RunUpdate>();
        await foreach (var update in run.WatchAsync(cancellationToken: Stop))
        {
            // The run can't end before its start was watched.
            gate.Open();
            seen.Add(update);
        }

        Assert.Equal(seen.Select(u => u.Sequence).Order(), seen.Select(u => u.Sequence));
        Assert.Equal(RunStatus.Running, Assert.IsType<RunStatusChanged>(seen[0]).Status);
        Assert.Equal(["gate", "number"], seen.OfType<StepEnded>().Select(s => s.Step.Name));
        Assert.Equal(RunStatus.Succeeded, Assert.IsType<RunStatusChanged>(seen[^1]).Status);
        foreach (var last in seen)
        {
            var rest = await run.WatchAsync(last.Sequence, Stop).ToListAsync(Stop);
            Assert.Equal(seen.Where(u => u.Sequence > last.Sequence).Select(u => u.Sequence), rest.Select(u => u.Sequence));
        }
    }

    [Fact]
    public async Task an_unknown_run_is_not_found_by_any_verb()
    {
        await using var app = await TestApp.StartAsync(_ => { });
        var run = app.Client.Run<int>("nobody");

        await AssertNotFoundAsync(() => run.InfoAsync(Stop));
        await AssertNotFoundAsync(() => run.ResultAsync(Stop));
        await AssertNotFoundAsync(() => run.WaitAsync(Stop));
        await AssertNotFoundAsync(async () => await run.StepsAsync(Stop).ToListAsync(Stop));
        await AssertNotFoundAsync(async () => await run.WatchAsync(cancellationToken: Stop).ToListAsync(Stop));

        static async Task AssertNotFoundAsync(Func<Task> verb)
        {
            var e = await Assert.ThrowsAsync<RunNotFoundException>(verb);
            Assert.Equal(("GRN1001", "nobody"), (e.Code, e.RunId.Value));
        }
    }

    [Fact]
    public async Task a_handle_reads_a_result_as_the_type_that_it_is_asked_for()
    {
        var gate = new Gate();
        gate.Open();
        await using var app = await TestApp.StartAsync(g => AddGated(g, gate));
        var run = await app.Client.Workflow("gated").StartAsync(7, new() { Id = "run" }, Stop);

        Assert.Equal(7L, await run.ResultAsync<long>(Stop));
        Assert.Equal(7, await app.Client.Run<int>("run").ResultAsync(Stop));
        var e = await Assert.ThrowsAsync<PayloadException>(() => run.ResultAsync<Guid>(Stop));
        Assert.Equal("GRN1603", e.Code);
    }

    private static void AddGated(IGranaryBuilder granary, Gate gate) => granary.AddWorkflow<int, int>("gated", async (ctx, n) =>
    {
        await ctx.StepAsync("gate", gate.PassAsync);
        return await ctx.StepAsync("number", _ => Task.FromResult(n));
    });

    /// <summary>The real clock; counts the pauses that a client makes before it asks again.</summary>
    private sealed class PauseCounter : TimeProvider
    {
        private int _pauses;

        public int Pauses => _pauses;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            // As long as the client's pause; Orleans has timers too.
            if (dueTime == TimeSpan.FromMilliseconds(20))
                Interlocked.Increment(ref _pauses);
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
