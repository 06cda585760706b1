using CsCheck;
using Granary.Engine;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class BranchTests
{
    private const int MaxDepth = 3;

    /// <summary>A branch's code: steps and branches in the order of its calls. A step knows how long its body takes.</summary>
    private static readonly Gen<Node> _tree = Gen.Recursive<Node>((depth, self) =>
        Gen.Select(Gen.Int[0, 8], self.Array[0, depth < MaxDepth ? 4 : 0], (milliseconds, children) => new Node(milliseconds, children)));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task branches_keep_their_keys_and_replay_in_their_order_whatever_finishes_first() =>
        await _tree.Array[2, 5].Array[12].SampleAsync(async trees =>
        {
            using var data = new TestDatabase();
            var live = new List<string>[trees.Length];
            var replayed = new List<string>[trees.Length];
            await using (var app = await data.StartAsync(g => AddTrees(g, trees, live)))
            {
                for (var i = 0; i < trees.Length; i++)
                    await app.Client.Workflow<int, int>("tree").StartAsync(i, new() { Id = $"tree {i}" }, Stop);
                await Eventually.TrueAsync(data.Path, "all trees sleep",
                    () => Enumerable.Range(0, trees.Length).All(i => Volatile.Read(ref live[i]) is { } seen && seen.LastOrDefault() == "asleep"));
            }

            await using (var app = await data.StartAsync(g => AddTrees(g, trees, replayed)))
            {
                await Eventually.TrueAsync(data.Path, "all trees were replayed up to their sleep",
                    () => Enumerable.Range(0, trees.Length).All(i => Volatile.Read(ref replayed[i]) is { } seen && seen.LastOrDefault() == "asleep"));
            }

            for (var i = 0; i < trees.Length; i++)
            {
                Assert.Equal(live[i], replayed[i]);
                Assert.Equal(KeysOf(StepScope.Root(), trees[i]).Order(StringComparer.Ordinal),
                    data.Query($"select step_key from granary_steps_v where run_id = 'tree {i}' and name <> 'asleep'").Select(r => (string)r[0]!).Order(StringComparer.Ordinal));
            }

            Invariants.AssertHold(data.Path);
        }, iter: 4, threads: 1);

    [Fact]
    public async Task for_each_keeps_to_its_concurrency_and_to_the_order_of_its_items()
    {
        var (running, most) = (0, 0);
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, IReadOnlyList<int>>("each", (ctx, _) =>
            ctx.ForEachAsync(Enumerable.Range(0, 10), item => ctx.StepAsync($"item {item}", async step =>
            {
                var now = Interlocked.Increment(ref running);
                if (now == 3)
                    full.TrySetResult();
                lock (full)
                    most = Math.Max(most, now);

                // The first three wait for each other: so three do run at a time.
                await full.Task.WaitAsync(step.CancellationToken);
                Interlocked.Decrement(ref running);
                return item * 10;
            }), maxConcurrency: 3)));

        var run = await app.Client.Workflow<int, IReadOnlyList<int>>("each").StartAsync(0, cancellationToken: Stop);
        await Eventually.DoneAsync(app.DataPath, "all items are done", run.WaitAsync(Stop));

        Assert.Equal(Enumerable.Range(0, 10).Select(i => i * 10), await run.ResultAsync(Stop));
        Assert.Equal(3, most);
        Assert.Equal(10, app.Query("select distinct step_key from granary_steps_v").Count);
    }

    [Fact]
    public async Task without_a_limit_all_items_run_at_a_time()
    {
        var waiting = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, int>("each", async (ctx, _) =>
            (await ctx.ForEachAsync(Enumerable.Range(0, 40), item => ctx.StepAsync("item", async step =>
            {
                if (Interlocked.Increment(ref waiting) == 40)
                    all.SetResult();
                await all.Task.WaitAsync(step.CancellationToken);
                return item;
            }))).Sum()));

        var run = await app.Client.Workflow<int, int>("each").StartAsync(0, cancellationToken: Stop);
        await Eventually.DoneAsync(app.DataPath, "all items meet", run.WaitAsync(Stop));

        Assert.Equal(780, await run.ResultAsync(Stop));
    }

    [Fact]
    public async Task steps_of_branches_nest_under_the_key_of_their_branch()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, int>("nest", async (ctx, _) =>
        {
            await ctx.StepAsync("before", _ => Task.FromResult(0));
            var left = ctx.BranchAsync("left", async () =>
            {
                await ctx.StepAsync("l1", _ => Task.FromResult(0));
                await ctx.BranchAsync("inner", () => ctx.StepAsync("li1", _ => Task.FromResult(0)));
                await ctx.StepAsync("l3", _ => Task.FromResult(0));
            });
            var right = ctx.BranchAsync("right", () => ctx.StepAsync("r1", _ => Task.FromResult(0)));
            await Task.WhenAll(left, right);
            return await ctx.StepAsync("after", _ => Task.FromResult(0));
        }));

        await app.Client.Workflow<int, int>("nest").RunAsync(0, cancellationToken: Stop);

        Assert.Equal([["a1", "before"], ["a2/a1", "l1"], ["a2/a2/a1", "li1"], ["a2/a3", "l3"], ["a3/a1", "r1"], ["a4", "after"]],
            app.Query("select step_key, name from granary_steps_v order by step"));
    }

    private static void AddTrees(IGranaryBuilder granary, Node[][] trees, List<string>[] seen) => granary.AddWorkflow<int, int>("tree", async (ctx, index) =>
    {
        var order = new List<string>();
        Volatile.Write(ref seen[index], order);
        await GrowAsync(ctx, trees[index], order);
        order.Add("asleep");
        await ctx.StepAsync("asleep", step => Task.Delay(Timeout.Infinite, step.CancellationToken));
        return index;
    });

    /// <summary>Every child is asked for at once; what ends is told in the order in which it ends.</summary>
    private static Task GrowAsync(WorkflowContext ctx, Node[] children, List<string> order) => Task.WhenAll(children.Select(async (child, i) =>
    {
        if (child.Children.Length > 0)
        {
            await ctx.BranchAsync($"branch {i}", () => GrowAsync(ctx, child.Children, order));
            return;
        }

        order.Add(await ctx.StepAsync($"step {i}", async step =>
        {
            await Task.Delay(child.Milliseconds, step.CancellationToken);
            return step.Key.Value;
        }));
    }));

    private static IEnumerable<string> KeysOf(StepScope scope, Node[] children)
    {
        foreach (var child in children)
        {
            var key = scope.Next();
            if (child.Children.Length == 0)
                yield return key.Value;
            foreach (var inner in KeysOf(StepScope.Under(key), child.Children))
                yield return inner;
        }
    }

    private sealed record Node(int Milliseconds, Node[] Children);
}
