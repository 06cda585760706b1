using Granary.Grains;
using Granary.Runs;
using Granary.Tests.Crashes;
using Granary.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Core.Internal;
using Orleans.Runtime;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>A living silo owns a run that nothing in it executes: it notices by itself, without any call.</summary>
[Trait("Speed", "Slow")]
public sealed class LostActivationTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_run_whose_activation_was_thrown_away_is_taken_up_by_its_own_silo()
    {
        var gate = new Gate();
        await using var app = await StartAsync(gate);
        var run = await app.Client.Workflow<int, string>("run").StartAsync(0, new() { Id = "run" }, Stop);
        await gate.Reached.WaitAsync(Stop);

        await app.Services.GetRequiredService<IGrainFactory>().GetGrain<IWorkflowGrain>("run").AsReference<IGrainManagementExtension>().DeactivateOnIdle(Stop);

        await TakenUpAsync(app, epoch: 2);
        gate.Open();
        Assert.Equal("done", await run.ResultAsync(Stop));
        AssertSound(app);
    }

    [Fact]
    public async Task a_run_that_a_lost_twin_of_its_activation_claimed_is_taken_up_by_its_own_silo()
    {
        var gate = new Gate();
        await using var app = await StartAsync(gate);
        var run = await app.Client.Workflow<int, string>("run").StartAsync(0, new() { Id = "run" }, Stop);
        await gate.Reached.WaitAsync(Stop);

        // A claim by this very silo whose answer, and activation, were lost. It fences the activation that lives.
        new Usurper(app.DataPath).Claims(app.Services.GetRequiredService<SiloIncarnation>().Value);
        gate.Open();

        await TakenUpAsync(app, epoch: 3);
        Assert.Equal("done", await run.ResultAsync(Stop));
        AssertSound(app);
    }

    [Fact]
    public async Task an_activation_that_executes_a_run_is_not_collected_as_idle()
    {
        var gate = new Gate();
        await using var app = await StartAsync(gate);
        var run = await app.Client.Workflow<int, string>("run").StartAsync(0, new() { Id = "run" }, Stop);
        await gate.Reached.WaitAsync(Stop);

        await app.Services.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero, Stop);
        gate.Open();

        Assert.Equal("done", await run.ResultAsync(Stop));
        Assert.Equal(1, gate.Passes);
        Assert.Equal([["Started"], ["StepSucceeded"], ["Succeeded"]], app.Query("select kind from granary_journal_v where kind <> 'StepRunning' order by seq"));
    }

    private static Task<TestApp> StartAsync(Gate gate) => TestApp.StartAsync(g => g.AddWorkflow<int, string>("run", async (ctx, _) =>
    {
        await ctx.StepAsync("held", gate.PassAsync);
        return "done";
    }));

    private static async Task TakenUpAsync(TestApp app, int epoch)
    {
        await Eventually.TrueAsync(app.DataPath, "the silo takes its run up",
            () => app.Query($"select 1 from granary_journal_v where kind = 'Claimed' and epoch = {epoch}").Count == 1);
        Assert.Contains(app.Log.Lines, l => l.Text.Contains("Run 'run' is owned by this process but nothing executes it", StringComparison.Ordinal));
    }

    private static void AssertSound(TestApp app)
    {
        // Nobody died: nothing is charged.
        Assert.Equal([["succeeded", 0L]], app.Query("select status, recovery_attempts from granary_runs_v"));
        Invariants.AssertHold(app.DataPath);
    }
}
