using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace WeatherAgent;

/// <summary>The command line: what it takes, and how it says that something is wrong.</summary>
internal static class CommandLine
{
    private static readonly string[] _laterOptions = ["--url"];

    public static int Run(string[] args, Func<Settings, Task<int>> run)
    {
        if (args.FirstOrDefault(a => _laterOptions.Contains(a.Split('=')[0])) is { } later)
            return Refuse($"{later} isn't there yet: this build has no HTTP.");

        var question = new Argument<string>("question")
        {
            Description = "What to ask.",
            DefaultValueFactory = _ => Settings.BuiltInQuestion,
        };
        question.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => t.Value.StartsWith('-')))
                result.AddError($"There is no option {result.Tokens[0].Value}.");
        });
        var id = new Option<string?>("--id") { Description = "The run's id; the same id again goes on with the same run (default: a new one)." };
        var data = new Option<string?>("--data") { Description = "The SQLite file (default: granary.db here)." };
        var connection = new Option<string?>("--connection") { Description = "Postgres instead, e.g. 'Host=…;Database=…;Username=…;Password=…' (also ConnectionStrings__granary)." };
        var serve = new Option<bool>("--serve") { Description = "A silo that stays and executes runs of the cluster; it asks nothing itself." };
        var role = new Option<string[]>("--role") { Description = "A role of this silo; may be given several times." };
        var start = new Option<int?>("--start")
        {
            Description = "Connects to a running cluster as an outside client, starts that many runs and prints 'id answer' lines.",
            CustomParser = result =>
            {
                if (int.TryParse(result.Tokens.SingleOrDefault()?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is > 0 and <= 100_000)
                    return count;
                result.AddError("--start takes a number from 1 to 100000.");
                return null;
            },
        };
        var delay = Duration("--tool-delay", "Makes each tool take that long, e.g. 3s.");
        var effects = new Option<string?>("--effects") { Description = "Each tool body appends 'key attempt pid begin|end' to this file." };
        var output = new Option<string>("--output") { Description = "text or json.", DefaultValueFactory = _ => "text" };
        output.AcceptOnlyFromAmong("text", "json");
        var sleep = Duration("--sleep", "The run sleeps durably that long between its first and second model call.");
        var approve = new Option<bool>("--approve") { Description = "The run asks for approval of its answer before it ends; answer yes or no on the standard input." };
        var verbose = new Option<bool>("--verbose") { Description = "Logs, and stack traces of errors." };
        var root = new RootCommand("Asks an agent about the weather. Kill it at any moment and start it again with the same --id: it goes on.")
        {
            question, id, data, connection, serve, role, start, delay, effects, output, sleep, approve, verbose,
        };

        var parsed = root.Parse(args);
        if (parsed.Errors.Count == 0 && Contradiction(parsed.GetResult(question)!.Tokens.Count > 0, parsed.GetValue(id), parsed.GetValue(data),
            parsed.GetValue(connection), parsed.GetValue(serve), parsed.GetValue(role), parsed.GetValue(start)) is { } contradiction)
        {
            return Refuse(contradiction);
        }

        if (parsed.Errors.Count > 0)
            return Refuse(string.Join(" ", parsed.Errors.Select(e => e.Message)));
        var code = 0;
        root.SetAction(async (result, _) => code = await run(new Settings
        {
            Question = result.GetValue(question)!,
            Id = result.GetValue(id),
            Data = result.GetValue(data),
            Connection = result.GetValue(connection),
            Serve = result.GetValue(serve),
            Roles = result.GetValue(role) ?? [],
            Start = result.GetValue(start),
            ToolDelay = result.GetValue(delay) ?? TimeSpan.Zero,
            Effects = result.GetValue(effects),
            Json = result.GetValue(output) == "json",
            Sleep = result.GetValue(sleep),
            Approve = result.GetValue(approve),
            Verbose = result.GetValue(verbose),
        }).ConfigureAwait(false));
        var invoked = parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        return invoked != 0 ? invoked : code;
    }

    /// <summary>What of the command line doesn't go together; null when it does.</summary>
    private static string? Contradiction(bool asks, string? id, string? data, string? connection, bool serves, string[]? roles, int? start) => (serves, start) switch
    {
        _ when data is not null && connection is not null => "--data and --connection are two databases.",
        (true, not null) => "--serve is a silo and --start a client: two processes.",
        (true, _) when asks || id is not null => "--serve asks nothing: leave question and --id to the processes that start runs.",
        (_, not null) when data is not null => "--start is for a cluster on Postgres: a SQLite file belongs to the one process that has it open.",
        (false, _) when roles is { Length: > 0 } => "--role is for --serve.",
        _ => null,
    };

    public static int Refuse(string what)
    {
        Console.Error.WriteLine($"GRN1901: {what} Run with --help to see what there is.");
        return ExitCode.Usage;
    }

    private static Option<TimeSpan?> Duration(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            if (ParseDuration(result.Tokens.SingleOrDefault()?.Value) is { } duration)
                return duration;
            result.AddError($"{name} takes a duration such as 500ms, 3s, 2m or 1h.");
            return null;
        },
    };

    internal static TimeSpan? ParseDuration(string? text)
    {
        if (text is null)
            return null;
        (string Unit, double Seconds)[] units = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)];
        foreach (var (unit, seconds) in units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                && number * seconds <= TimeSpan.FromDays(3650).TotalSeconds)
            {
                return TimeSpan.FromSeconds(number * seconds);
            }
        }

        return null;
    }
}

/// <summary>What the process exits with.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    public const int RunFailed = 1;
    public const int Usage = 2;
    public const int Store = 3;
    public const int Interrupted = 130;
}
