namespace Granary.Bench;

/// <summary>W9: runs that sleep for a day, parked by the engine, under a silo that was started again.</summary>
internal static class Sleepers
{
    private const int Day = 86_400;

    // The keepers look again every 30 s: what they hold is held by then.
    private static readonly TimeSpan _settling = TimeSpan.FromSeconds(35);
    private static readonly TimeSpan _idling = TimeSpan.FromSeconds(30);

    public static async Task ManyAsync(Options options, BenchStore store)
    {
        var file = Path.GetTempFileName();
        var progress = new Progress(file);
        long without, emptyBytes;
        double starting, parking, idleWithout;
        using (var silo = await SiloProcess.StartAsync(store.Address, progress, parkAfter: 1))
        {
            await Task.Delay(_settling);
            idleWithout = await store.TransactionsPerSecondAsync(_idling);
            without = await silo.MemoryAsync();
            emptyBytes = await store.BytesAsync();
            var begun = Progress.Now;
            await silo.StartRunsAsync("sleeper", Day, options.Count);
            starting = Progress.Now - begun;
            await store.UntilNoneAsync("select count(*) from {runs} where owner is not null");
            parking = Progress.Now - begun;
            await silo.StopAsync();
        }

        var restarted = Progress.Now;
        double ready, idleWith;
        long with;
        using (var silo = await SiloProcess.StartAsync(store.Address, progress, parkAfter: 1))
        {
            ready = Progress.Now - restarted;
            await Task.Delay(_settling);
            idleWith = await store.TransactionsPerSecondAsync(_idling);
            with = await silo.MemoryAsync();
            await silo.StopAsync();
        }

        var bytes = await store.BytesAsync() - emptyBytes;
        File.Delete(file);
        Write($"starts, {options.Count} sleepers", "runs/s", options.Count * 1e3 / starting);
        Write("started and parked", "runs/s", options.Count * 1e3 / parking);
        Write("process start to ready, all asleep", "ms", ready);
        Write("resident without sleepers", "MB", without / 1e6);
        Write("resident with all asleep", "MB", with / 1e6);
        Write("growth a sleeper", "B", (double)(with - without) / options.Count);
        Write("idle transactions without sleepers", "1/s", idleWithout);
        Write("idle transactions with all asleep", "1/s", idleWith);
        Write("stored a sleeper", "B", (double)bytes / options.Count);

        void Write(string metric, string unit, double value) => Report.Write(options, metric, unit, [value]);
    }
}
