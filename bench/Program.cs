using Granary.Bench;

// dotnet run -c Release --project bench -- W2 --store sqlite [--pairs 5]
var workloads = new Dictionary<string, Func<Options, Task>>(StringComparer.OrdinalIgnoreCase)
{
    ["W1"] = Workloads.SequentialAsync,
    ["W2"] = Workloads.ConcurrentAsync,
    ["W3"] = Workloads.LatencyAsync,
};
if (Options.Parse(args) is not { } options || (options.Workload != "all" && !workloads.ContainsKey(options.Workload)))
{
    Console.Error.WriteLine("GRN1901: usage: W1|W2|W3|all [--store sqlite] [--pairs 5]");
    return 2;
}

foreach (var (name, run) in workloads.Where(w => options.Workload == "all" || w.Key.Equals(options.Workload, StringComparison.OrdinalIgnoreCase)))
    await run(options with { Workload = name });
return 0;
