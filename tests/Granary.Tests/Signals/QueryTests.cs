using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Signals;

/// <summary>Reading a run's state from outside.</summary>
public sealed class QueryTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static int _bodies;

    private sealed record Progress(string Phase, int Count);

    [Workflow("counter")]
    private sealed class Counter : Workflow<int, string>
    {
        private int _count;

        [Query]
        public Progress Progress => new(_count == 0 ? "new" : "counting", _count);

        [Query("twice")]
        public int Twice() => _count * 2;

        [Query]
        public int Broken => throw new InvalidOperationException("no");

        public override async Task<string> RunAsync(WorkflowContext ctx, int input)
        {
            for (var i = 0; i < input; i++)
            {
                await ctx.WaitForSignalAsync<None>("next");
                _count += await ctx.StepAsync("one", _ => Task.FromResult(Interlocked.Increment(ref _bodies) > 0 ? 1 : 0));
            }

            return "done";
        }
    }

    private static void Configure(IGranaryBuilder g) => g.Configure(o => o.ParkAfter = TimeSpan.FromSeconds(1)).AddWorkflow<Counter>();

    [Fact]
    public async Task a_run_is_read_while_it_waits_while_it_is_parked_and_after_its_end_without_a_claim_or_a_body()
    {
        await using var app = await TestApp.StartAsync(Configure);
        var run = await app.Client.Workflow<Counter>().StartAsync(2, new() { Id = "r" }, Stop);
        Assert.Equal(new Progress("new", 0), await run.QueryAsync((Counter c) => c.Progress, Stop));
        await run.SignalAsync("next", None.Value, cancellationToken: Stop);
        await Eventually.TrueAsync(app.DataPath, "it has counted", async () => await run.QueryAsync<int>("twice", Stop) == 2);
        await Eventually.TrueAsync(app.DataPath, "it is parked", () => app.Query("select 1 from granary_runs_v where owner is null").Count == 1);
        var rows = app.Query("select count(*) from granary_journal_v");
        var bodies = _bodies;
        Assert.Equal(new Progress("counting", 1), await run.QueryAsync((Counter c) => c.Progress, Stop));
        Assert.Equal(2, await run.QueryAsync((Counter c) => c.Twice(), Stop));
        Assert.Equal(rows, app.Query("select count(*) from granary_journal_v"));
        Assert.Equal(bodies, _bodies);

        await run.SignalAsync("next", None.Value, cancellationToken: Stop);
        Assert.Equal("done", await run.ResultAsync(Stop));
        Assert.Equal(4, await run.QueryAsync<int>("twice", Stop));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    public async Task what_is_no_query_is_refused_and_one_that_throws_harms_nobody()
    {
        await using var app = await TestApp.StartAsync(Configure);
        var run = await app.Client.Workflow<Counter>().StartAsync(1, new() { Id = "r" }, Stop);
        var unknown = await Assert.ThrowsAsync<GranaryException>(() => run.QueryAsync<int>("other", Stop));
        Assert.Equal("GRN1805", unknown.Code);
        Assert.Contains("twice", unknown.Message, StringComparison.Ordinal);
        Assert.Equal("GRN1806", (await Assert.ThrowsAsync<GranaryException>(() => run.QueryAsync<int>("Broken", Stop))).Code);
        Assert.Equal("GRN1805", Assert.Throws<GranaryUsageException>(() => { _ = run.QueryAsync((Counter c) => c.ToString(), Stop); }).Code);
        await Assert.ThrowsAsync<RunNotFoundException>(() => app.Client.Run("nobody").QueryAsync<int>("twice", Stop));
        await run.SignalAsync("next", None.Value, cancellationToken: Stop);
        Assert.Equal("done", await run.ResultAsync(Stop));
    }
}
