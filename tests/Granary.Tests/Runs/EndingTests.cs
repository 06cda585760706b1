using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>A run that ends while bodies of it still run.</summary>
public sealed class EndingTests(LiveApp app) : IClassFixture<LiveApp>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task siblings_are_told_to_stop_and_their_outcomes_are_dropped(bool throws)
    {
        var (began, stopped) = (Completion(), Completion());
        var run = await app.StartAsync(async ctx =>
        {
            var returns = ctx.StepAsync("returns when told", async step =>
            {
                began.SetResult();
                using var told = step.CancellationToken.Register(stopped.SetResult);
                await stopped.Task;
                return 1;
            });
            var fails = ctx.StepAsync("fails when told", async step => await stopped.Task.WaitAsync(step.CancellationToken));
            await ctx.StepAsync("quick", _ => began.Task);
            return throws ? throw new InvalidOperationException("enough") : "done";
        });

        await Eventually.DoneAsync(app.DataPath, "the run ends", run.WaitAsync(Stop));

        Assert.True(stopped.Task.IsCompleted);
        if (throws)
            Assert.Equal("enough", (await Assert.ThrowsAsync<RunFailedException>(() => run.ResultAsync(Stop))).Error.Message);
        else
            Assert.Equal("done", await run.ResultAsync(Stop));
        Assert.Equal([["Started"], ["StepSucceeded"], [throws ? "Failed" : "Succeeded"]],
            app.Query($"select kind from granary_journal_v where run_id = '{run.Id}' and kind <> 'StepRunning' order by seq"));
    }

    [Fact]
    public async Task a_sibling_that_does_not_heed_its_token_holds_the_end_for_a_few_seconds_only()
    {
        var never = new TaskCompletionSource<int>();
        var began = Completion();
        var run = await app.StartAsync<int>(async ctx =>
        {
            _ = ctx.StepAsync("deaf", _ =>
            {
                began.SetResult();
                return never.Task;
            });
            await ctx.StepAsync("quick", _ => began.Task);
            throw new InvalidOperationException("enough");
        });

        await Eventually.DoneAsync(app.DataPath, "the run ends", run.WaitAsync(Stop));

        never.SetResult(1);
        Assert.Equal("enough", (await Assert.ThrowsAsync<RunFailedException>(() => run.ResultAsync(Stop))).Error.Message);
        Assert.DoesNotContain(app.Steps(run.Id, "name, outcome"), row => (string)row[0]! == "deaf" && (string)row[1]! != "running");
    }

    [Fact]
    public async Task code_that_throws_before_its_first_step_fails_the_run()
    {
        var run = await app.StartAsync<int>(_ => throw new InvalidOperationException("at once"));

        var e = await Assert.ThrowsAsync<RunFailedException>(() => run.ResultAsync(Stop));
        Assert.Equal(("System.InvalidOperationException", "at once", null), (e.Error.Type, e.Error.Message, e.Error.Step));
        Assert.Equal("GRN1101", e.Code);
    }

    [Fact]
    public async Task code_that_cancels_itself_fails()
    {
        var run = await app.StartAsync<int>(_ => Task.FromCanceled<int>(new CancellationToken(canceled: true)));

        var e = await Assert.ThrowsAsync<RunFailedException>(() => run.ResultAsync(Stop));
        Assert.True(e.Error.Is<OperationCanceledException>());
    }

    [Fact]
    public async Task all_failures_of_concurrent_steps_can_be_caught_one_by_one()
    {
        var messages = await app.RunAsync(async ctx =>
        {
            var steps = Enumerable.Range(0, 3).Select(i => ctx.StepAsync<int>($"step {i}", _ => throw new InvalidOperationException($"failure {i}"))).ToList();
            var caught = new List<string>();
            foreach (var step in steps)
                caught.Add((await Caught.OfAsync<StepFailedException>(() => step)).Error.Message);
            return caught;
        });

        Assert.Equal(["failure 0", "failure 1", "failure 2"], messages);
    }

    private static TaskCompletionSource Completion() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
