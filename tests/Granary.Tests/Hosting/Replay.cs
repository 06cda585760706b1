using System.Collections.Concurrent;
using Xunit;

namespace Granary.Tests.Hosting;

/// <summary>
/// Runs code until it has come to a gate behind its last step, stops its application in good order, and lets another
/// one finish the run.
/// </summary>
internal static class Replay
{
    /// <summary>What the code saw when it ran first, and what it saw when it was given its recorded past.</summary>
    /// <param name="code">Tells what it sees.</param>
    public static async Task<(IReadOnlyList<string> Live, IReadOnlyList<string> Replayed)> OfAsync(Func<WorkflowContext, Action<object?>, Task> code)
    {
        var gate = new Gate();
        var activations = new ConcurrentQueue<ConcurrentQueue<string>>();
        using var data = new TestDatabase();
        void App(IGranaryBuilder granary) => granary.AddWorkflow<int, string>("code", async (ctx, _) =>
        {
            var seen = new ConcurrentQueue<string>();
            activations.Enqueue(seen);
            await code(ctx, value => seen.Enqueue(FormattableString.Invariant($"{value}")));
            await ctx.StepAsync("gate", gate.PassAsync);
            return "done";
        });

        await using (var app = await data.StartAsync(App))
        {
            var run = await app.Client.Workflow<int, string>("code").StartAsync(1, new() { Id = "run" }, TestContext.Current.CancellationToken);
            await Eventually.DoneAsync(data.Path, "the code comes to its gate", Task.WhenAny(gate.Reached, run.WaitAsync()));
            Assert.True(gate.Reached.IsCompleted, Eventually.Journal(data.Path));
        }

        gate.Open();
        await using (var app = await data.StartAsync(App))
            Assert.Equal("done", await app.Client.Run<string>("run").ResultAsync(TestContext.Current.CancellationToken));

        Invariants.AssertHold(data.Path);
        Assert.Equal(2, activations.Count);
        return ([.. activations.First()], [.. activations.Last()]);
    }
}
