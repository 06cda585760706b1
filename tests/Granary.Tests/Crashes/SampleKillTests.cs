using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>Kills the built sample from outside; nothing in it knows of these tests.</summary>
[Collection(CrashCollection.Name)]
[Trait("Speed", "Slow")]
public sealed partial class SampleKillTests
{
    [Fact]
    public async Task the_sample_killed_after_any_printed_line_goes_on_from_there()
    {
        var undisturbed = await SampleRun.UndisturbedAsync();
        Assert.Equal(5, undisturbed.Steps.Count);
        var kills = 0;

        await Load.ForEachAsync(Enumerable.Range(1, undisturbed.Steps.Count + 1), async count =>
        {
            using var run = new KilledRun();
            var seen = 0;
            var part = await run.SampleAsync(SampleRun.ToolDelay, onLine: (child, _) =>
            {
                if (++seen == count)
                    child.Kill();
            });
            Assert.True(part.WasKilled && part.Lines.Count >= count, run.ToString());
            await SampleRun.FinishAsync(run);
            Interlocked.Add(ref kills, run.Kills);
        });

        Load.Report($"{kills} kills, one after each line");
    }

    [Fact]
    public async Task a_run_that_loses_its_process_after_each_new_line_needs_no_more_than_one_process_a_line()
    {
        var undisturbed = await SampleRun.UndisturbedAsync();
        using var run = new KilledRun();

        while (!run.Parts.Any(p => p.ExitCode == 0) && run.Parts.Count < undisturbed.Steps.Count + 3)
        {
            await run.SampleAsync(SampleRun.ToolDelay, onLine: (child, line) =>
            {
                if (line.Contains("\"executed\"", StringComparison.Ordinal))
                    child.Kill();
            });
        }

        await SampleRun.AssertEndedAsync(run);
        Load.Report($"{run.Kills} kills of one run");
        Assert.InRange(run.Kills, 3, undisturbed.Steps.Count + 1);
    }

    [Fact]
    public Task the_sample_killed_at_random_times_goes_on_from_there() => KillAtRandomAsync(12);

    [Fact]
    [Trait("Speed", "Long")]
    public Task the_sample_killed_fifty_times_at_random_goes_on_from_there() => KillAtRandomAsync(50);

    [Fact]
    public async Task the_demonstration_shows_recorded_steps_coming_from_the_journal()
    {
        await using var child = ChildProcess.Start("bash", [Path.Combine(Repository.Root, "samples", "kill-demo.sh"), Programs.Sample]);
        Assert.True(await child.EndAsync() == 0, child.Story());

        // The three processes, then what the tools wrote down.
        var blocks = string.Join('\n', child.Lines).Split("$ WeatherAgent --id demo", StringSplitOptions.RemoveEmptyEntries);
        var effects = child.Lines.SkipWhile(l => !l.StartsWith("What the tools", StringComparison.Ordinal)).Skip(1).Select(l => l.Split(' ')).ToList();
        Assert.Equal(3, blocks.Length);
        Assert.Equal(["executed llm"], Steps(blocks[0]));
        Assert.Equal(["journal llm", "executed tool", "executed tool", "executed tool"], Steps(blocks[1]));
        Assert.Equal(["journal llm", "journal tool", "journal tool", "journal tool", "executed timer", "executed llm"], Steps(blocks[2]));
        Assert.Contains("- GetWeather(city: Rome): Rome: 27 °C and windy", child.Lines);
        Assert.All(effects.GroupBy(e => e[0]), key => Assert.Equal(["0 begin", "0 begin", "0 end"], key.Select(e => $"{e[1]} {e[3]}")));
        Assert.Equal(3, effects.Select(e => e[0]).Distinct().Count());
        AssertReadmeShows(string.Join('\n', child.Lines));
    }

    /// <summary>The README shows what the script prints; only processes, times, the run's key and the order of parallel tools may differ.</summary>
    private static void AssertReadmeShows(string output)
    {
        var path = Path.Combine(Repository.Root, "README.md");
        var readme = File.ReadAllText(path);
        var shown = Demonstration().Match(readme).Groups["output"];
        if (Environment.GetEnvironmentVariable("GRANARY_APPROVE") == "1")
        {
            File.WriteAllText(path, readme[..shown.Index] + output.TrimEnd() + readme[(shown.Index + shown.Length)..]);
            return;
        }

        Assert.Equal(Lasting(output), Lasting(shown.Value));
    }

    private static string Lasting(string output) => string.Join('\n', Changing().Replace(output.TrimEnd(), "#").Split('\n')
        .Select(line => line.TrimEnd())
        .Aggregate(new List<List<string>> { new() }, (groups, line) =>
        {
            // Lines of tools that run side by side come in any order.
            var isParallel = line.Contains(" tool ", StringComparison.Ordinal) || line.StartsWith("#/", StringComparison.Ordinal);
            if (!isParallel || groups[^1].FirstOrDefault() is not { } first || !(first.Contains(" tool ", StringComparison.Ordinal) || first.StartsWith("#/", StringComparison.Ordinal)))
                groups.Add([]);
            groups[^1].Add(line);
            return groups;
        }).SelectMany(group => group.Order(StringComparer.Ordinal)));

    [GeneratedRegex(@"<!-- demo:begin -->.*?\n```\n(?<output>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Demonstration();

    [GeneratedRegex(@"(?<=process |kill -9 )\d+|\d+(?= ms)|^\d+(?=/)|(?<= 0 )\d+(?= (begin|end))", RegexOptions.Multiline)]
    private static partial Regex Changing();

    private static IEnumerable<string> Steps(string block) =>
        StepLine().Matches(block).Select(m => $"{m.Groups["source"].Value} {m.Groups["kind"].Value}");

    /// <summary>Kills runs at random moments, from the start of their process to the end of their work, until there were so many kills.</summary>
    private static async Task KillAtRandomAsync(int kills)
    {
        var seed = Environment.GetEnvironmentVariable("GRANARY_SEED") is { Length: > 0 } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : Random.Shared.Next();
        Load.Report($"GRANARY_SEED={seed} for {kills} random kills");
        var random = new Random(seed);
        var span = (await SampleRun.UndisturbedAsync()).Took;
        var hits = 0;
        var misses = 0;
        while (hits < kills)
        {
            Assert.True(misses <= kills, "Most kills came after the end.");
            await Load.ForEachAsync(Enumerable.Range(0, kills - hits).Select(_ => random.NextDouble()).ToList(), async moment =>
            {
                using var run = new KilledRun();
                var part = await run.SampleAsync(SampleRun.ToolDelay, meanwhile: async child =>
                {
                    await Task.Delay(moment * span, TestContext.Current.CancellationToken);
                    child.Kill();
                });
                Interlocked.Increment(ref part.WasKilled ? ref hits : ref misses);
                await SampleRun.FinishAsync(run);
            });
        }

        Load.Report($"{hits} random kills, {misses} more came after the end");
    }

    [GeneratedRegex(@"^  (?<source>executed|journal) +\S+ +(?<kind>\S+)", RegexOptions.Multiline)]
    private static partial Regex StepLine();
}
