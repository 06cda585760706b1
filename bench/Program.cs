using Granary.Bench;

// dotnet run -c Release --project bench -- W2 --store sqlite [--pairs 5]
if (args is [Serving.Verb, ..])
{
    await Serving.RunAsync(args[1..]);
    return 0;
}

var workloads = new Dictionary<string, Func<Options, BenchStore, Task>>(StringComparer.OrdinalIgnoreCase)
{
    ["limits"] = Workloads.LimitsAsync,
    ["W1"] = Workloads.SequentialAsync,
    ["W2"] = Workloads.ConcurrentAsync,
    ["W3"] = Workloads.LatencyAsync,
    ["W4"] = Signals.WakeAsync,
    ["W7"] = Restarts.InFlightAsync,
    ["W8"] = Restarts.LongAsync,
    ["W9"] = Sleepers.ManyAsync,
};
if (Options.Parse(args) is not { } options || (options.Workload != "all" && !workloads.ContainsKey(options.Workload)))
{
    Console.Error.WriteLine($"GRN1901: usage: {Options.Usage}");
    return 2;
}

foreach (var (name, run) in workloads.Where(w => options.Workload == "all" || w.Key.Equals(options.Workload, StringComparison.OrdinalIgnoreCase)))
{
    await using var store = await BenchStore.MakeAsync(options);
    await run(options with { Workload = name }, store);
}

return 0;
