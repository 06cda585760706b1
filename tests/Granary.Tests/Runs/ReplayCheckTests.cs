using System.Text;
using Granary.Engine;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>A build whose code asks for something else than the journal has.</summary>
public sealed class ReplayCheckTests
{
    private static readonly Change[] _changes =
    [
        new("another name", "step 'charge'", "step 'reserve'", ctx => ctx.StepAsync("charge", _ => Ran("old")), ctx => ctx.StepAsync("reserve", _ => Ran("new"))),
        new("a sleep instead of a step", "step 'charge'", "timer 'sleep'", ctx => ctx.StepAsync("charge", _ => Ran("old")), ctx => ctx.SleepAsync(TimeSpan.FromMilliseconds(1))),
        new("a step instead of a sleep", "timer 'sleep'", "step 'charge'", ctx => ctx.SleepAsync(TimeSpan.FromMilliseconds(1)), ctx => ctx.StepAsync("charge", _ => Ran("new"))),
        new("a branch instead of a step", "step 'charge'", "branch 'charge'", ctx => ctx.StepAsync("charge", _ => Ran("old")),
            ctx => ctx.BranchAsync("charge", () => ctx.StepAsync("charge", _ => Ran("new")))),
        new("a draw instead of a step", "step 'charge'", "random 'guid'", ctx => ctx.StepAsync("charge", _ => Ran("old")), ctx => Task.FromResult(ctx.NewGuid())),
        new("a step instead of a draw", "random 'guid'", "step 'charge'", ctx => Task.FromResult(ctx.NewGuid()), ctx => ctx.StepAsync("charge", _ => Ran("new"))),
        new("another draw", "random 'guid'", "random 'random'", ctx => Task.FromResult(ctx.NewGuid()), ctx => Task.FromResult(ctx.Random.Next())),
        new("a caught divergence", "step 'charge'", "random 'guid'", ctx => ctx.StepAsync("charge", _ => Ran("old")), async ctx =>
        {
            await Caught.OfAsync<NondeterminismException>(() => Task.FromResult(ctx.NewGuid()));
            await ctx.StepAsync("other", _ => Ran("new"));
        }),
        new("an end before the last step", "step 'charge'", "the end of the run", ctx => ctx.StepAsync("charge", _ => Ran("old")), _ => Task.CompletedTask, EndsThere: true),
        new("a failure before the last step", "step 'charge'", "the end of the run, for it threw System.InvalidOperationException: a mistake in the new code", ctx => ctx.StepAsync("charge", _ => Ran("old")),
            _ => throw new InvalidOperationException("a mistake in the new code"), EndsThere: true),
    ];

    private static int _oldBodies;
    private static int _newBodies;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_changed_step_stops_the_run_visibly_before_any_body_and_the_old_code_finishes_it()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        void App(IGranaryBuilder g, bool isNew)
        {
            foreach (var change in _changes)
            {
                g.AddWorkflow<int, string>(change.Name, async (ctx, _) =>
                {
                    await (isNew ? change.New(ctx) : change.Old(ctx));
                    if (!isNew || !change.EndsThere)
                        await ctx.StepAsync("gate", gate.PassAsync);
                    return isNew ? "new" : "old";
                });
            }
        }

        await using (var app = await data.StartAsync(g => App(g, isNew: false)))
        {
            foreach (var change in _changes)
                await app.Client.Workflow<int, string>(change.Name).StartAsync(0, new() { Id = change.Name }, Stop);
            await Eventually.TrueAsync(data.Path, "all runs come to the gate", () => gate.Passes == _changes.Length);
        }

        var oldBodies = _oldBodies;
        gate.Open();
        await using (var app = await data.StartAsync(g => App(g, isNew: true)))
        {
            foreach (var change in _changes)
            {
                var run = app.Client.Run<string>(change.Name);
                await Eventually.TrueAsync(data.Path, $"'{change.Name}' waits for its version", async () => (await run.InfoAsync(Stop)) is { Status: RunStatus.Waiting, WaitingOn: "version" });
                var info = await run.InfoAsync(Stop);
                Assert.Equal(("GRN1203", "a1"), (info.Error?.Code, info.Error?.Step));
                Assert.Contains($"as {change.Requested} but its journal recorded {change.Recorded}.", info.Error?.Message);
                Assert.Null(info.CompletedAt);
                Assert.Equal([["waiting", "version", null, "GRN1203"]], data.Query($"select status, waiting_on, owner, error_code from granary_runs_v where id = '{change.Name}'"));
            }
        }

        Assert.Equal((oldBodies, 0), (_oldBodies, _newBodies));
        await using (var app = await data.StartAsync(g => App(g, isNew: false)))
        {
            foreach (var change in _changes)
                Assert.Equal("old", await app.Client.Run<string>(change.Name).ResultAsync(Stop));
        }

        Assert.Equal((oldBodies, 0), (_oldBodies, _newBodies));
        Assert.Equal([[0L]], data.Query("select count(*) from granary_runs_v where error_code is not null"));
        Invariants.AssertHold(data.Path);
    }

    [Fact]
    public async Task a_step_that_the_new_code_adds_behind_the_recorded_ones_is_run()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        void App(IGranaryBuilder g, bool isNew) => g.AddWorkflow<int, string>("grows", async (ctx, _) =>
        {
            await ctx.StepAsync("one", _ => Task.FromResult(1));
            await ctx.StepAsync("gate", gate.PassAsync);
            return isNew ? await ctx.StepAsync("two", _ => Task.FromResult("two")) : "one";
        });
        await using (var app = await data.StartAsync(g => App(g, isNew: false)))
        {
            await app.Client.Workflow<int, string>("grows").StartAsync(0, new() { Id = "run" }, Stop);
            await gate.Reached;
        }

        gate.Open();
        await using (var app = await data.StartAsync(g => App(g, isNew: true)))
            Assert.Equal("two", await app.Client.Run<string>("run").ResultAsync(Stop));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task another_input_of_a_step_is_a_warning_and_stops_only_a_strict_replay(bool isStrict)
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        var bodies = 0;
        void App(IGranaryBuilder g, string input) => g.Configure(o => o.StrictReplay = isStrict).AddWorkflow<int, string>("asks", async (ctx, _) =>
        {
            var answer = await ctx.Engine.RunStepAsync(new StepCall<string>(StepKinds.Llm, "model", _ =>
            {
                Interlocked.Increment(ref bodies);
                return Task.FromResult(input);
            }, new StepOptions())
            { Fingerprint = Encoding.UTF8.GetBytes(input) });
            await ctx.StepAsync("gate", gate.PassAsync);
            return answer;
        });
        await using (var app = await data.StartAsync(g => App(g, "first")))
        {
            await app.Client.Workflow<int, string>("asks").StartAsync(0, new() { Id = "run" }, Stop);
            await gate.Reached;
        }

        gate.Open();
        await using (var app = await data.StartAsync(g => App(g, "second")))
        {
            var run = app.Client.Run<string>("run");
            if (isStrict)
            {
                await Eventually.TrueAsync(data.Path, "the run waits", async () => (await run.InfoAsync(Stop)).WaitingOn == "version");
                Assert.Contains("llm 'model' with another input", (await run.InfoAsync(Stop)).Error?.Message);
            }
            else
            {
                Assert.Equal("first", await run.ResultAsync(Stop));
                Assert.Contains(app.Log.Lines, l => l.Text.Contains("step a1 (llm 'model') has another input than the recorded one", StringComparison.Ordinal));
            }
        }

        Assert.Equal(1, bodies);
    }

    private static Task<int> Ran(string code) =>
        Task.FromResult(code == "old" ? Interlocked.Increment(ref _oldBodies) : Interlocked.Increment(ref _newBodies));

    /// <param name="Name">What the new code does.</param>
    /// <param name="EndsThere">Whether the new code ends where the old one went on.</param>
    private sealed record Change(string Name, string Recorded, string Requested, Func<WorkflowContext, Task> Old, Func<WorkflowContext, Task> New, bool EndsThere = false);
}
