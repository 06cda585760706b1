using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class WorkflowTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Scenario", "W-01")]
    public async Task steps_are_listed_in_call_order_with_their_outputs()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, int>("add", async (ctx, n) =>
        {
            n = await ctx.StepAsync("one", _ => Task.FromResult(n + 1));
            n = await ctx.StepAsync("two", _ => Task.FromResult(n + 2));
            return await ctx.StepAsync("three", _ => Task.FromResult(n + 3));
        }));

        var run = await app.Client.Workflow<int, int>("add").StartAsync(5, cancellationToken: Stop);

        Assert.Equal(11, await run.ResultAsync(Stop));
        var steps = app.Query("select step, step_key, name, output, outcome, attempt, started_at <= ended_at from granary_steps_v order by step");
        Assert.Equal([
            [1L, "a1", "one", "6", "succeeded", 0L, 1L],
            [2L, "a2", "two", "8", "succeeded", 0L, 1L],
            [3L, "a3", "three", "11", "succeeded", 0L, 1L],
        ], steps);
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    [Trait("Scenario", "W-02")]
    public async Task a_failed_run_shows_the_error_of_its_step_and_is_not_run_again()
    {
        using var data = new TestDatabase();
        var bodies = 0;
        var gate = new Gate();
        void App(IGranaryBuilder g)
        {
            g.AddWorkflow<int, int>("charge", (ctx, _) => ctx.StepAsync<int>("charge", _ =>
            {
                Interlocked.Increment(ref bodies);
                throw new InvalidOperationException("no funds");
            }));
            g.AddWorkflow<int, int>("wait", async (ctx, _) =>
            {
                await ctx.StepAsync("wait", gate.PassAsync);
                return 1;
            });
        }

        await using (var app = await data.StartAsync(App))
        {
            var run = await app.Client.Workflow<int, int>("charge").StartAsync(0, new() { Id = "failed" }, Stop);
            var e = await Assert.ThrowsAsync<RunFailedException>(() => run.ResultAsync(Stop));
            Assert.Equal(("System.InvalidOperationException", "no funds", "a1"), (e.Error.Type, e.Error.Message, e.Error.Step));
            var info = await run.InfoAsync(Stop);
            Assert.Equal((RunStatus.Failed, e.Error.Type, e.Error.Message), (info.Status, info.Error?.Type, info.Error?.Message));
            Assert.NotNull(info.CompletedAt);
            var step = Assert.Single(await run.StepsAsync(Stop).ToListAsync(Stop));
            Assert.Equal((StepStatus.Failed, e.Error.Type, e.Error.Message), (step.Status, step.Error?.Type, step.Error?.Message));

            await app.Client.Workflow<int, int>("wait").StartAsync(0, new() { Id = "open" }, Stop);
            await gate.Reached;
        }

        gate.Open();
        await using (var app = await data.StartAsync(App))
        {
            // Younger than the failed run, so it is taken up with it or after it.
            Assert.Equal(1, await app.Client.Run<int>("open").ResultAsync(Stop));
            await Assert.ThrowsAsync<RunFailedException>(() => app.Client.Run<int>("failed").ResultAsync(Stop));
        }

        Assert.Equal(1, bodies);
        Assert.Equal(0, data.Count("failed", "Claimed"));
        Invariants.AssertHold(data.Path);
    }

    [Fact]
    [Trait("Scenario", "W-03")]
    public async Task code_that_catches_a_steps_failure_goes_on()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, string>("careful", async (ctx, _) =>
        {
            try
            {
                return await ctx.StepAsync<string>("charge", _ => throw new InvalidOperationException("no funds"));
            }
            catch (StepFailedException e) when (e.Is<InvalidOperationException>())
            {
                return await ctx.StepAsync("apologise", _ => Task.FromResult($"sorry: {e.Error.Message}"));
            }
        }));

        var run = await app.Client.Workflow<int, string>("careful").StartAsync(0, cancellationToken: Stop);

        Assert.Equal("sorry: no funds", await run.ResultAsync(Stop));
        Assert.Equal(RunStatus.Succeeded, (await run.InfoAsync(Stop)).Status);
        Assert.Equal([["a1", "charge", "failed"], ["a2", "apologise", "succeeded"]],
            app.Query("select step_key, name, outcome from granary_steps_v order by seq"));
    }

    [Fact]
    [Trait("Scenario", "W-07")]
    public async Task null_is_an_outcome_like_any_other()
    {
        var bodies = 0;

        var (live, replayed) = await Replay.OfAsync(async (ctx, see) => see(await ctx.StepAsync<string?>("nothing", _ =>
        {
            Interlocked.Increment(ref bodies);
            return Task.FromResult<string?>(null);
        }) is null));

        Assert.Equal(["True"], live);
        Assert.Equal(live, replayed);
        Assert.Equal(1, bodies);
    }

    [Fact]
    [Trait("Scenario", "W-07")]
    public async Task null_is_a_result_and_an_input()
    {
        using var data = new TestDatabase();
        void App(IGranaryBuilder g) => g.AddWorkflow<string?, string?>("null", (_, input) => Task.FromResult(input is null ? null : "not null"));
        await using (var app = await data.StartAsync(App))
            Assert.Null(await app.Client.Workflow<string?, string?>("null").RunAsync(null, new() { Id = "null" }, Stop));
        await using (var app = await data.StartAsync(App))
            Assert.Null(await app.Client.Run<string?>("null").ResultAsync(Stop));
    }
}
