using System.Globalization;
using System.Text.Json;

namespace Granary.Bench;

/// <summary>One JSON object a line: medians of the product's figures, of the limit's, and of their ratios pair by pair.</summary>
internal static class Report
{
    public static void Write(Options options, string metric, string unit, IReadOnlyList<double> product, IReadOnlyList<double>? limit = null, string? limitKind = null)
    {
        var ratios = limit is null ? null : product.Zip(limit, (p, l) => p / l).ToList();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            workload = options.Workload,
            metric,
            unit,
            median = Round(Median(product)),
            min = Round(product.Min()),
            max = Round(product.Max()),
            n = product.Count,
            limit = limit is null ? (double?)null : Round(Median(limit)),
            limit_kind = limitKind,
            ratio = ratios is null ? (double?)null : Math.Round(Median(ratios), 3),
            store = options.Store,
            load = double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture),
        }));
    }

    public static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }

    private static double Round(double value) => value < 100 ? Math.Round(value, 3) : Math.Round(value);
}
