namespace Granary.Bench;

/// <summary>Workloads whose process dies.</summary>
internal static class Restarts
{
    /// <summary>
    /// W7: 200 runs of 10 steps of 100 ms each; the process dies by SIGKILL at half of the steps, and another is started at once.
    /// </summary>
    public static async Task InFlightAsync(Options options, BenchStore store)
    {
        const int runs = 200;
        const int steps = 10;
        var (readyToFirst, killToFirst, readyToAll, killToAll, twice) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        await RepeatAsync(options.Pairs, store, async progress =>
        {
            using (var silo = await SiloProcess.StartAsync(store.Address, progress))
            {
                await silo.StartRunsAsync("busy", steps, runs);
                await progress.UntilAsync(() => progress.Count("step") >= runs * steps / 2);
                await silo.KillAsync();
            }

            var (killedAt, before) = (Progress.Now, progress.Count("step"));
            using var next = await SiloProcess.StartAsync(store.Address, progress);
            var readyAt = Progress.Now;
            await progress.UntilAsync(() => progress.Count("step") > before);
            var firstAt = Progress.Now;
            await progress.UntilAsync(() => progress.Distinct("done") == runs);
            var doneAt = Progress.Now;
            readyToFirst.Add(firstAt - readyAt);
            killToFirst.Add(firstAt - killedAt);
            readyToAll.Add(doneAt - readyAt);
            killToAll.Add(doneAt - killedAt);
            twice.Add(progress.Count("step") - progress.Distinct("step"));
            await next.KillAsync();
        });
        Report.Write(options, "ready to first progress", "ms", readyToFirst);
        Report.Write(options, "kill to first progress", "ms", killToFirst);
        Report.Write(options, "ready to all done", "ms", readyToAll);
        Report.Write(options, "kill to all done", "ms", killToAll);
        Report.Write(options, "bodies begun twice", "steps", twice);
    }

    /// <summary>W8: 10,000 steps in one run; then the process dies, and the next has to come back to where it was.</summary>
    public static async Task LongAsync(Options options, BenchStore store)
    {
        const int steps = 10_000;
        var (first, last, ratio, back, replay) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        await RepeatAsync(Math.Min(options.Pairs, 3), store, async progress =>
        {
            using (var silo = await SiloProcess.StartAsync(store.Address, progress))
            {
                // The code is compiled by then, and what slows down is seen.
                await silo.StartRunsAsync("steps", 2_000, 1);
                await store.UntilNoneAsync("select count(*) from {runs} where status in ('running', 'waiting')");
                await silo.StartRunsAsync("long", steps, 1);
                await progress.UntilAsync(() => progress.Count("frontier") == 1);
                first.Add(1e6 / (progress.Time("mark", "1000") - progress.Time("mark", "0")));
                last.Add(1e6 / (progress.Time("mark", $"{steps}") - progress.Time("mark", $"{steps - 1_000}")));
                ratio.Add(last[^1] / first[^1]);
                await silo.KillAsync();
            }

            progress.Clear();
            using var next = await SiloProcess.StartAsync(store.Address, progress);
            var readyAt = Progress.Now;
            await progress.UntilAsync(() => progress.Count("frontier") == 1);
            back.Add(Progress.Now - readyAt);
            replay.Add(progress.Time("frontier", "-") - progress.Time("mark", "0"));
            await next.KillAsync();
        });
        Report.Write(options, "first 1,000 of 10,000 steps", "steps/s", first);
        Report.Write(options, "last 1,000 of 10,000 steps", "steps/s", last);
        Report.Write(options, "last 1,000 over first 1,000", "ratio", ratio);
        Report.Write(options, "ready to back at step 10,000", "ms", back);
        Report.Write(options, "replay of 10,000 steps", "ms", replay);
    }

    private static async Task RepeatAsync(int times, BenchStore store, Func<Progress, Task> measure)
    {
        for (var i = 0; i < times; i++)
        {
            var file = Path.GetTempFileName();
            await measure(new Progress(file));
            File.Delete(file);
            await store.EmptyAsync();
        }
    }
}
