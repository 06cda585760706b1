using System.Diagnostics;

namespace Granary.Bench;

/// <summary>W4: from the sending of a signal to the waiting code going on, one after the other; the limit is one single commit.</summary>
internal static class Signals
{
    private static readonly TimeSpan _parkAfter = TimeSpan.FromSeconds(1);

    public static async Task WakeAsync(Options options, BenchStore store)
    {
        await MeasureAsync(options, store, "in memory", 200, TimeSpan.FromMilliseconds(20), isParked: false);
        await MeasureAsync(options, store, "parked", 50, _parkAfter, isParked: true);
    }

    private static async Task MeasureAsync(Options options, BenchStore store, string state, int signals, TimeSpan rest, bool isParked)
    {
        await using var product = await Product.StartAsync(store.Address, configure: o => o.ParkAfter = isParked ? _parkAfter : TimeSpan.FromMinutes(1));
        for (var i = 0; i < 300; i++)
            await OneAsync(product, TimeSpan.FromMilliseconds(5));
        if (isParked)
            await ManyAsync(product, signals, rest, isParked);
        var (p50, p99, limits) = (new List<double>(), new List<double>(), new List<double>());
        for (var pair = 0; pair < options.Pairs; pair++)
        {
            var times = await ManyAsync(product, signals, rest, isParked);
            times.Sort();
            p50.Add(times[times.Count / 2]);
            p99.Add(times[times.Count * 99 / 100]);
            limits.Add(1_000 / await store.LimitAsync(500, 1));
        }

        Report.Write(options, $"signal to wake, {state}, p50", "ms", p50, limits, $"one {store.SingleCommits}");
        Report.Write(options, $"signal to wake, {state}, p99", "ms", p99);
    }

    /// <summary>Parked ones wait for their parking at the same time, and are woken one after the other.</summary>
    private static async Task<List<double>> ManyAsync(Product product, int signals, TimeSpan rest, bool isParked)
    {
        var times = new List<double>(signals);
        if (!isParked)
        {
            for (var i = 0; i < signals; i++)
                times.Add(await OneAsync(product, rest));
            return times;
        }

        var runs = await Task.WhenAll(Enumerable.Range(0, signals).Select(_ => product.Client.Workflow<None, long>("waiter").StartAsync(None.Value)));
        foreach (var run in runs)
        {
            while (await run.InfoAsync() is not { Status: RunStatus.Waiting })
                await Task.Delay(10);
        }

        await Task.Delay(500);
        foreach (var run in runs)
            times.Add(await WakeAsync(run));
        return times;
    }

    private static async Task<double> OneAsync(Product product, TimeSpan rest)
    {
        var run = await product.Client.Workflow<None, long>("waiter").StartAsync(None.Value);
        await Task.Delay(rest);
        return await WakeAsync(run);
    }

    private static async Task<double> WakeAsync(RunHandle<long> run)
    {
        var sent = Stopwatch.GetTimestamp();
        var result = run.ResultAsync();
        await run.SignalAsync("go", "now");
        return Stopwatch.GetElapsedTime(sent, await result).TotalMilliseconds;
    }
}
