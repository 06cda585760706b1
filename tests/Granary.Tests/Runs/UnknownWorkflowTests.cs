using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>Runs whose build lacks their workflow, or can't read their input.</summary>
public sealed class UnknownWorkflowTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_run_whose_workflow_this_build_lacks_waits_and_goes_on_when_a_build_has_it()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        void WithIt(IGranaryBuilder g) => g.AddWorkflow<int, int>("order", async (ctx, n) =>
        {
            await ctx.StepAsync("gate", gate.PassAsync);
            return n + 1;
        });

        await using (var app = await data.StartAsync(WithIt))
        {
            await app.Client.Workflow<int, int>("order").StartAsync(1, new() { Id = "run" }, Stop);
            await gate.Reached;
        }

        gate.Open();
        for (var start = 0; start < 2; start++)
        {
            await using var app = await data.StartAsync(_ => { });
            await Eventually.TrueAsync(data.Path, "the run waits", async () =>
                await app.Client.Run("run").InfoAsync(Stop) is { Status: RunStatus.Waiting, WaitingOn: "version" });
        }

        // Looked at by two builds that lack it, but claimed by one only: waiting costs no rows.
        Assert.Equal([["Started"], ["Released"], ["Claimed"], ["Parked"]], data.Query("select kind from granary_journal_v where kind <> 'StepRunning' order by seq"));
        await using (var app = await data.StartAsync(WithIt))
        {
            Assert.Equal(2, await app.Client.Run<int>("run").ResultAsync(Stop));
            Assert.Equal(0, (await app.Client.Run("run").InfoAsync(Stop)).RecoveryAttempts);
        }

        Invariants.AssertHold(data.Path);
    }

    [Fact]
    public async Task a_start_by_a_name_that_nobody_knows_is_kept_and_waits_visibly()
    {
        using var data = new TestDatabase();
        await using (var app = await data.StartAsync(_ => { }))
        {
            var run = await app.Client.Workflow("greet").StartAsync("Ada", new() { Id = "run" }, Stop);
            var again = await app.Client.Workflow("greet").StartAsync("Bob", new() { Id = "run" }, Stop);

            Assert.True(run.IsNew);
            Assert.Equal((false, true), (again.IsNew, again.InputDiffers));
            var info = await run.InfoAsync(Stop);
            Assert.Equal((RunStatus.Waiting, "version", "greet"), (info.Status, info.WaitingOn, info.Workflow));
            Assert.Null(info.StartedAt);
            Assert.Equal([["Started", 0L]], data.Query("select kind, epoch from granary_journal_v"));
        }

        await using (var app = await data.StartAsync(g => g.AddWorkflow<string, string>("greet", (_, name) => Task.FromResult($"Hello {name}"))))
        {
            Assert.Equal("Hello Ada", await app.Client.Run<string>("run").ResultAsync(Stop));
            Assert.NotNull((await app.Client.Run("run").InfoAsync(Stop)).StartedAt);
        }

        Invariants.AssertHold(data.Path);
    }

    [Fact]
    [Trait("Scenario", "V-09")]
    public async Task an_input_that_cannot_be_read_is_refused_at_the_start_and_nothing_is_stored()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, int>("count", (_, n) => Task.FromResult(n)));

        var e = await Assert.ThrowsAsync<PayloadException>(() => app.Client.Workflow("count").StartAsync("many", new() { Id = "run" }, Stop));

        Assert.Equal("GRN1603", e.Code);
        Assert.Contains("run 'run'", e.Message);
        Assert.Contains("'count'", e.Message);
        Assert.Empty(app.Query("select id from granary_runs"));
        Assert.Empty(app.Query("select seq from granary_journal"));
    }

    [Fact]
    [Trait("Scenario", "V-09")]
    public async Task an_input_that_a_new_build_cannot_read_fails_the_run_at_once()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        var ran = 0;
        await using (var app = await data.StartAsync(g => g.AddWorkflow<string, int>("count", async (ctx, _) =>
        {
            await ctx.StepAsync("gate", gate.PassAsync);
            return 1;
        })))
        {
            await app.Client.Workflow<string, int>("count").StartAsync("many", new() { Id = "run" }, Stop);
            await gate.Reached;
        }

        for (var start = 0; start < 2; start++)
        {
            await using var app = await data.StartAsync(g => g.AddWorkflow<int, int>("count", (_, n) => Task.FromResult(ran = n)));
            var e = await Assert.ThrowsAsync<RunFailedException>(() => app.Client.Run<int>("run").ResultAsync(Stop));
            Assert.Equal("GRN1603", e.Error.Code);
            Assert.Contains("recorded input", e.Error.Message);
        }

        Assert.Equal(0, ran);
        Assert.Equal([["Started"], ["Released"], ["Claimed"], ["Failed"]], data.Query("select kind from granary_journal_v where kind <> 'StepRunning' order by seq"));
        Invariants.AssertHold(data.Path);
    }
}
