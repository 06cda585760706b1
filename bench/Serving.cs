using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Granary.Bench;

/// <summary>A silo in a process of its own, told by lines what to do. It says when it is ready, and is killed.</summary>
internal static class Serving
{
    public const string Verb = "serve";

    public static async Task RunAsync(string[] args)
    {
        var address = JsonSerializer.Deserialize<StoreAddress>(args[0])!;
        var parkAfter = double.Parse(args[2], CultureInfo.InvariantCulture);
        await using var product = await Product.StartAsync(address, new Progress(args[1]), o =>
        {
            if (parkAfter > 0)
                o.ParkAfter = TimeSpan.FromSeconds(parkAfter);
        });
        Console.WriteLine("ready");
        while (Console.ReadLine()?.Split(' ') is { } words && words[0] != "stop")
        {
            switch (words[0])
            {
                case "start":
                    await StartAsync(product, words[1], int.Parse(words[2], CultureInfo.InvariantCulture), int.Parse(words[3], CultureInfo.InvariantCulture));
                    Console.WriteLine("started");
                    break;
                case "memory":
                    GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                    Console.WriteLine(Process.GetCurrentProcess().WorkingSet64);
                    break;
            }
        }
    }

    private static async Task StartAsync(Product product, string workflow, int argument, int count)
    {
        var runs = product.Client.Workflow<int, string>(workflow);
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 256 }, async (_, _) => await runs.StartAsync(argument));
    }
}
