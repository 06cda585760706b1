using System.Diagnostics;
using System.Runtime;

namespace Granary.Bench;

/// <summary>The workloads: the product and its limit in turn, pair by pair, so that a neighbour disturbs both alike.</summary>
internal static class Workloads
{
    /// <summary>Only what the store allows, without the product.</summary>
    public static async Task LimitsAsync(Options options, BenchStore store)
    {
        var (single, batches) = (new List<double>(), new List<double>());
        for (var i = 0; i < options.Pairs; i++)
        {
            single.Add(await store.LimitAsync(1_000, 1));
            batches.Add(await store.LimitAsync(10_000, 100));
        }

        Report.Write(options, store.SingleCommits, "rows/s", single);
        Report.Write(options, store.Batches, "rows/s", batches);
    }

    /// <summary>W1: one run, steps in sequence; the limit is single commits of one row.</summary>
    public static async Task SequentialAsync(Options options, BenchStore store)
    {
        const int steps = 1_000;
        await using var product = await Product.StartAsync(store.Address);
        await WarmAsync(product);
        var (own, limit) = await PairsAsync(options, async () =>
        {
            var watch = Stopwatch.StartNew();
            await product.Steps.RunAsync(steps);
            return steps / watch.Elapsed.TotalSeconds;
        }, () => store.LimitAsync(steps, 1));
        Report.Write(options, "sequential steps", "steps/s", own, limit, store.SingleCommits);
    }

    /// <summary>W2: many runs of 10 steps at once; the limit is rows in commits of 100. Its ratio is journal rows over rows.</summary>
    public static async Task ConcurrentAsync(Options options, BenchStore store)
    {
        foreach (var runs in options.Runs is { } chosen ? [chosen] : (int[])[64, 256, 1024])
        {
            const int steps = 10;
            await store.EmptyAsync();
            await using var product = await Product.StartAsync(store.Address);
            await WarmAsync(product);
            var (own, limit) = await PairsAsync(options, async () =>
            {
                var watch = Stopwatch.StartNew();
                await RunManyAsync(product, runs, steps);
                return runs * (steps + 2) / watch.Elapsed.TotalSeconds;
            }, () => store.LimitAsync(runs * (steps + 2) / 100 * 100, 100));
            Report.Write(options, $"journal rows, {runs} runs x {steps} steps", "rows/s", own, limit, store.Batches);
            Report.Write(options, $"steps, {runs} runs x {steps} steps", "steps/s", [.. own.Select(r => r * steps / (steps + 2))]);
        }
    }

    /// <summary>W3: start to result of a run of one step, one after the other; the limit is three single commits in sequence.</summary>
    public static async Task LatencyAsync(Options options, BenchStore store)
    {
        const int runs = 500;
        await using var product = await Product.StartAsync(store.Address);
        await WarmAsync(product);
        for (var i = 0; i < 200; i++)
            await product.Steps.RunAsync(1);
        var p99 = new List<double>();
        var (own, limit) = await PairsAsync(options, async () =>
        {
            var times = new List<double>(runs);
            for (var i = 0; i < runs; i++)
            {
                var start = Stopwatch.GetTimestamp();
                await product.Steps.RunAsync(1);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            times.Sort();
            p99.Add(times[runs * 99 / 100]);
            return times[runs / 2];
        }, async () => 3_000 / await store.LimitAsync(runs, 1));
        Report.Write(options, "start to result p50", "ms", own, limit, $"three {store.SingleCommits}");
        Report.Write(options, "start to result p99", "ms", p99);
    }

    /// <summary>
    /// Until the just-in-time compiler has settled, for a service runs for longer than its first seconds: until it takes less
    /// than a twentieth of the time. It takes most of the time of the first 50,000 steps.
    /// </summary>
    private static async Task WarmAsync(Product product)
    {
        var begun = Progress.Now;
        double share;
        do
        {
            var (round, compiled) = (Progress.Now, JitInfo.GetCompilationTime());
            while (Progress.Now - round < 1_000)
                await RunManyAsync(product, 100, 20);
            share = (JitInfo.GetCompilationTime() - compiled).TotalMilliseconds / (Progress.Now - round);
        }
        while (share > 0.05 && Progress.Now - begun < 12_000);
    }

    private static async Task RunManyAsync(Product product, int runs, int steps) =>
        await Task.WhenAll(Enumerable.Range(0, runs).Select(_ => product.Steps.RunAsync(steps)));

    private static async Task<(List<double> Own, List<double> Limit)> PairsAsync(Options options, Func<Task<double>> own, Func<Task<double>> limit)
    {
        var (owns, limits) = (new List<double>(), new List<double>());
        for (var i = 0; i < options.Pairs; i++)
        {
            owns.Add(await own());
            limits.Add(await limit());
        }

        return (owns, limits);
    }
}
