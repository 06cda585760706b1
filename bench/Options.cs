namespace Granary.Bench;

/// <summary>What to measure.</summary>
/// <param name="Workload">limits, W1, W2 … or all.</param>
/// <param name="Store"><c>sqlite</c> or <c>postgres</c>.</param>
/// <param name="Pairs">How often the product and its limit take turns.</param>
/// <param name="Connection">A Postgres database to use instead of a server of the bench's own; two schemas are made in it, and dropped.</param>
/// <param name="Count">How many sleepers.</param>
/// <param name="Runs">How many runs W2 has at once; null for each of 64, 256 and 1,024.</param>
internal sealed record Options(string Workload, string Store, int Pairs, string? Connection, int Count, int? Runs)
{
    public const string Usage = "limits|W1|W2|W3|W4|W7|W8|W9|all [--store sqlite|postgres] [--connection CS] [--pairs 5] [--count 10000] [--runs 256]";

    public static Options? Parse(string[] args)
    {
        var options = new Options(args.FirstOrDefault() ?? "", "sqlite", 5, null, 10_000, null);
        for (var i = 1; i < args.Length; i += 2)
        {
            if (i + 1 == args.Length)
                return null;
            var value = args[i + 1];
            switch (args[i])
            {
                case "--store" when value is "sqlite" or "postgres":
                    options = options with { Store = value };
                    break;
                case "--connection":
                    options = options with { Store = "postgres", Connection = value };
                    break;
                case "--pairs" when int.TryParse(value, out var pairs) && pairs > 0:
                    options = options with { Pairs = pairs };
                    break;
                case "--count" when int.TryParse(value, out var count) && count > 0:
                    options = options with { Count = count };
                    break;
                case "--runs" when int.TryParse(value, out var runs) && runs > 8:
                    options = options with { Runs = runs };
                    break;
                default:
                    return null;
            }
        }

        return options;
    }
}
