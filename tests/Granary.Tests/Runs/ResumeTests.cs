using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>Runs that go on after a cancel or after they were poisoned, and runs that end at their deadline.</summary>
public sealed class ResumeTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static Action<IGranaryBuilder> Three(Gate gate, List<string> ran, Action<GranaryOptions>? configure = null) => g => g
        .Configure(o => configure?.Invoke(o))
        .AddWorkflow<None, string>("three", async (ctx, _) =>
        {
            await ctx.StepAsync("one", _ => Ran(ran, "one"));
            await ctx.StepAsync("two", async step =>
            {
                await Ran(ran, "two");
                await gate.PassAsync(step);
            });
            await ctx.StepAsync("three", _ => Ran(ran, "three"));
            return "done";
        });

    private static Task Ran(List<string> ran, string name)
    {
        lock (ran)
            ran.Add(name);
        return Task.CompletedTask;
    }

    [Fact]
    [Trait("Scenario", "U-01")]
    [Trait("Scenario", "C-06")]
    public async Task a_cancelled_run_that_is_resumed_repeats_no_recorded_step_and_runs_the_cut_off_one_anew()
    {
        var (gate, ran) = (new Gate(), new List<string>());
        await using var app = await TestApp.StartAsync(Three(gate, ran));
        var run = await app.Client.Workflow<None, string>("three").StartAsync(None.Value, new() { Id = "r" }, Stop);
        await gate.Reached;
        await run.CancelAsync(cancellationToken: Stop);
        await Assert.ThrowsAsync<RunCancelledException>(() => run.ResultAsync(Stop));
        gate.Open();
        await run.ResumeAsync(cancellationToken: Stop);

        Assert.Equal("done", await run.ResultAsync(Stop));
        Assert.Equal("done", await app.Client.Run<string>("r").ResultAsync(Stop));
        Assert.Equal(["one", "two", "two", "three"], ran);
        Assert.Equal(
            ["Started", "StepSucceeded", "CancelRequested", "Cancelled", "Claimed", "Resumed", "StepSucceeded", "StepSucceeded", "Succeeded"],
            app.Query("select kind from granary_journal_v where kind <> 'StepRunning' order by seq").Select(r => (string)r[0]!));
        Assert.Equal([["succeeded", 1L]], app.Query("select status, completed_at is not null from granary_runs_v"));

        // What has succeeded stays as it is.
        await run.ResumeAsync(cancellationToken: Stop);
        Assert.Equal(RunStatus.Succeeded, (await run.InfoAsync(Stop)).Status);
        await Assert.ThrowsAsync<RunNotFoundException>(() => app.Client.Run("nobody").ResumeAsync(cancellationToken: Stop));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    [Trait("Scenario", "C-07")]
    public async Task a_cancel_after_the_last_step_stands_until_the_run_is_resumed()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<None, string>("waiter", async (ctx, _) =>
        {
            await ctx.StepAsync("only", _ => Task.CompletedTask);
            return await ctx.WaitForSignalAsync<string>("go");
        }));
        var run = await app.Client.Workflow<None, string>("waiter").StartAsync(None.Value, new() { Id = "r" }, Stop);
        await run.CancelAsync("wait", Stop);
        await Assert.ThrowsAsync<RunCancelledException>(() => run.ResultAsync(Stop));
        await Assert.ThrowsAsync<RunStateException>(() => run.SignalAsync("go", "no", cancellationToken: Stop));

        // At once behind a cancel: that is carried out first.
        await run.ResumeAsync(cancellationToken: Stop);
        await run.CancelAsync("again", Stop);
        await run.ResumeAsync(cancellationToken: Stop);
        await run.SignalAsync("go", "yes", cancellationToken: Stop);
        Assert.Equal("yes", await run.ResultAsync(Stop));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    [Trait("Scenario", "C-01")]
    public async Task a_run_is_cancelled_at_its_deadline_though_it_is_parked_and_gets_the_same_time_when_it_is_resumed()
    {
        await using var app = await TestApp.StartAsync(g => g.Configure(o => o.ParkAfter = TimeSpan.FromSeconds(1))
            .AddWorkflow<int, string>("sleeper", async (ctx, seconds) =>
            {
                await ctx.SleepAsync(TimeSpan.FromSeconds(seconds));
                return "awake";
            }, w => w.Timeout = TimeSpan.FromSeconds(2)));
        var run = await app.Client.Workflow<int, string>("sleeper").StartAsync(60, new() { Id = "r" }, Stop);
        var cancelled = await Assert.ThrowsAsync<RunCancelledException>(() => run.ResultAsync(Stop));
        Assert.Contains("deadline", cancelled.Reason, StringComparison.Ordinal);
        var info = await run.InfoAsync(Stop);
        Assert.Equal(TimeSpan.FromSeconds(2), info.Deadline - info.StartedAt);
        Assert.InRange((info.CompletedAt - info.StartedAt)!.Value, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(7));
        Assert.Equal([[1L]], app.Query("select count(*) from granary_journal_v where kind = 'Parked'"));

        await run.ResumeAsync(cancellationToken: Stop);
        Assert.InRange((await run.InfoAsync(Stop)).Deadline!.Value - info.Deadline!.Value, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(30));
        await Assert.ThrowsAsync<RunCancelledException>(() => run.ResultAsync(Stop));
        await run.ResumeAsync(new() { Timeout = TimeSpan.FromHours(1) }, Stop);
        Assert.True((await run.InfoAsync(Stop)).Deadline > DateTimeOffset.UtcNow.AddMinutes(50));
        await run.CancelAsync(cancellationToken: Stop);
        await run.ResumeAsync(new() { Timeout = Timeout.InfiniteTimeSpan }, Stop);
        Assert.Null((await run.InfoAsync(Stop)).Deadline);

        // A limit of its own, and none.
        Assert.Null((await (await app.Client.Workflow<int, string>("sleeper").StartAsync(60, new() { Id = "free", Timeout = Timeout.InfiniteTimeSpan }, Stop)).InfoAsync(Stop)).Deadline);
        Assert.Equal("GRN1702", (await Assert.ThrowsAsync<GranaryUsageException>(() => app.Client.Workflow<int, string>("sleeper").StartAsync(1, new() { Timeout = TimeSpan.Zero }, Stop))).Code);
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    [Trait("Scenario", "C-02")]
    public async Task the_limit_of_a_run_that_nobody_could_execute_at_its_start_begins_with_its_first_execution()
    {
        using var data = new TestDatabase();
        var (gate, ran) = (new Gate(), new List<string>());
        await using (var app = await data.StartAsync(_ => { }))
        {
            await app.Client.Workflow("three").StartAsync(None.Value, new() { Id = "r", Timeout = TimeSpan.FromMinutes(5) }, Stop);
            Assert.Null((await app.Client.Run("r").InfoAsync(Stop)).Deadline);
        }

        await using (var app = await data.StartAsync(Three(gate, ran)))
        {
            await gate.Reached;
            var info = await app.Client.Run("r").InfoAsync(Stop);
            Assert.InRange(info.Deadline!.Value - info.StartedAt!.Value, TimeSpan.FromMinutes(4.9), TimeSpan.FromMinutes(5.1));
            gate.Open();
            Assert.Equal("done", await app.Client.Run<string>("r").ResultAsync(Stop));
        }

        Invariants.AssertHold(data.Path);
    }
}
