using Granary.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>What a run told the world once it doesn't tell again on replay.</summary>
public sealed class QuietReplayTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task loggers_are_silent_on_replay_and_recorded_steps_make_no_second_span()
    {
        using var data = new TestDatabase();
        using var spans = new TestSpans();
        var gate = new Gate();
        var id = new RunId($"talker {Guid.NewGuid()}");
        void App(IGranaryBuilder g)
        {
            g.Services.AddSingleton(gate);
            g.AddWorkflow<Talker>();
        }

        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Workflow<Talker>().StartAsync(1, new() { Id = id }, Stop);
            await gate.Reached;
            Assert.Equal(["context: begun", "injected: begun", "context: after the step", "injected: after the step"], Told(app));
            Assert.Equal(["step first"], StepSpans());
        }

        gate.Open();
        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Run<int>(id).ResultAsync(Stop);
            Assert.Equal(["context: after the gate", "injected: after the gate"], Told(app));
        }

        // The gate's body was cut off and ran again; its span of the first process says so.
        Assert.Equal(["step first", "step gate", "step gate"], StepSpans());
        Assert.Equal(2, spans.Of(id).Count(s => s.OperationName == "run talker"));

        IEnumerable<string> StepSpans() => spans.Of(id).Select(s => s.OperationName).Where(n => n.StartsWith("step ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task a_run_that_had_come_to_rest_without_any_outcome_is_silent_on_replay()
    {
        using var data = new TestDatabase();
        void App(IGranaryBuilder g) => g.AddWorkflow<int, int>("sleeper", async (ctx, _) =>
        {
            ctx.Logger.LogInformation("context: begun");
            await ctx.SleepAsync(TimeSpan.FromSeconds(2));
            ctx.Logger.LogInformation("context: awake");
            return 1;
        });
        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Workflow<int, int>("sleeper").StartAsync(1, new() { Id = "run" }, Stop);
            await Eventually.TrueAsync(data.Path, "it sleeps", () => data.Count("run", "TimerStarted") == 1);
            Assert.Equal(["context: begun"], Told(app));
        }

        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Run<int>("run").ResultAsync(Stop);
            Assert.Equal(["context: awake"], Told(app));
        }
    }

    [Fact]
    public async Task code_sees_that_it_is_replaying_until_its_recorded_past_is_used_up()
    {
        var seen = new List<bool>();

        await Replay.OfAsync(async (ctx, see) =>
        {
            seen.Add(ctx.IsReplaying);
            await ctx.StepAsync("step", _ => Task.FromResult(1));
            seen.Add(ctx.IsReplaying);
        });

        Assert.Equal([false, false, true, true], seen);
    }

    private static IEnumerable<string> Told(TestApp app) =>
        app.Log.Lines.Select(l => l.Text.Trim()).Where(t => t.StartsWith("context:", StringComparison.Ordinal) || t.StartsWith("injected:", StringComparison.Ordinal));

    [Workflow("talker")]
    private sealed class Talker(ILogger<Talker> logger, Gate gate) : Workflow<int, int>
    {
        public override async Task<int> RunAsync(WorkflowContext ctx, int input)
        {
            Tell(ctx, "begun");
            await ctx.StepAsync("first", _ => Task.FromResult(1));
            Tell(ctx, "after the step");
            await ctx.StepAsync("gate", gate.PassAsync);
            Tell(ctx, "after the gate");
            return input;
        }

        private void Tell(WorkflowContext ctx, string what)
        {
            ctx.Logger.LogInformation("context: {What}", what);
            logger.LogInformation("injected: {What}", what);
        }
    }
}
