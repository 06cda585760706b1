using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Signals;

/// <summary>Runs that talk to runs: each verb is a step of the one that talks.</summary>
public sealed class RunToRunTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static Action<IGranaryBuilder> Talking(Gate? gate = null) => g =>
    {
        g.AddWorkflow<None, string>("listener", async (ctx, _) =>
        {
            await ctx.SetEventAsync("ready", "listening");
            var signal = (await ctx.WaitForSignalAsync<string>("word", TimeSpan.FromMinutes(1)))!;
            return $"{signal.Value} from {signal.From}";
        });
        g.AddWorkflow<string, string>("speaker", async (ctx, to) =>
        {
            var state = await ctx.Run(to).Event<string>("ready").GetAsync(TimeSpan.FromSeconds(20));
            await ctx.Run(to).SignalAsync("word", state!.Value);
            if (gate is not null)
                await ctx.StepAsync("gate", gate.PassAsync);
            var result = await ctx.Run<string>(to).ResultAsync();
            return $"{result}; {(await ctx.Run(to).InfoAsync()).Status}";
        });
    };

    [Fact]
    [Trait("Scenario", "M-07")]
    [Trait("Scenario", "E-03")]
    public async Task what_a_run_told_another_is_told_once_though_it_starts_again()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        await using (var app = await data.StartAsync(Talking(gate)))
        {
            await app.Client.Workflow<None, string>("listener").StartAsync(None.Value, new() { Id = "l" }, Stop);
            await app.Client.Workflow<string, string>("speaker").StartAsync("l", new() { Id = "s" }, Stop);
            await gate.Reached;
        }

        gate.Open();
        await using (var app = await data.StartAsync(Talking(gate)))
        {
            Assert.Equal("listening from s; Succeeded", await app.Client.Run<string>("s").ResultAsync(Stop));
            Assert.Equal([[1L]], app.Query("select count(*) from granary_journal_v where kind = 'SignalReceived'"));
        }

        Invariants.AssertHold(data.Path);
    }

    [Fact]
    public async Task streams_of_other_runs_are_refused_in_workflow_code()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<None, string>("watcher", async (ctx, _) =>
        {
            await foreach (var update in ctx.Run("other").WatchAsync())
                return update.ToString();
            return "";
        }));
        var failed = await Assert.ThrowsAsync<RunFailedException>(() => app.Client.Workflow<None, string>("watcher").RunAsync(None.Value, cancellationToken: Stop));
        Assert.Equal("GRN1205", failed.Error.Code);
    }
}
