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
}
