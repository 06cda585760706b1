namespace Granary.Bench;

/// <summary>What to measure.</summary>
internal sealed record Options(string Workload, string Store, int Pairs)
{
    public static Options? Parse(string[] args)
    {
        var options = new Options(args.FirstOrDefault() ?? "", "sqlite", 5);
        for (var i = 1; i < args.Length; i += 2)
        {
            if (i + 1 == args.Length)
                return null;
            if (args[i] == "--store" && args[i + 1] == "sqlite")
                options = options with { Store = args[i + 1] };
            else if (args[i] == "--pairs" && int.TryParse(args[i + 1], out var pairs) && pairs > 0)
                options = options with { Pairs = pairs };
            else
                return null;
        }

        return options;
    }
}
