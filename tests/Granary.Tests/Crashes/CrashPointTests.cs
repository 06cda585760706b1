using System.Collections.Concurrent;
using System.Globalization;
using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>Kills the process at the places between the engine's awaits, one after the other.</summary>
[Collection(CrashCollection.Name)]
[Trait("Speed", "Slow")]
public sealed class CrashPointTests
{
    [Fact]
    public async Task a_run_killed_at_any_place_of_the_engine_ends_as_if_undisturbed()
    {
        var places = await PlacesAsync(recovering: false);
        Assert.Superset(new HashSet<string>
        {
            "start: committed", "step: before the body", "step: after the body", "writer: before the commit", "writer: after the commit",
            "run: StepSucceeded committed", "run: StepRetried committed", "run: TimerStarted committed", "run: Succeeded committed", "run: before its last row",
        }, places.Keys.ToHashSet());
        var kills = places.SelectMany(p => Chosen(p.Value).Select(n => (Place: p.Key, Count: n))).ToList();
        var killed = new ConcurrentBag<string>();

        await Load.ForEachAsync(kills, async kill =>
        {
            using var run = new KilledRun();
            if ((await run.HostAsync("mixed", environment: At(kill))).WasKilled)
            {
                killed.Add(kill.Place);
                await MixedRun.FinishAsync(run);
            }

            MixedRun.AssertEnded(run);
        });

        Load.Report($"killed at {killed.Count} of {kills.Count} chosen places, {places.Count} of them distinct");
        Assert.Equal(places.Keys.Order(), killed.Distinct().Order());
    }

    [Fact]
    public async Task a_recovery_killed_at_any_place_is_recovered_in_turn()
    {
        var places = await PlacesAsync(recovering: true);
        Assert.Superset(new HashSet<string> { "claim: committed", "claim: journal read" }, places.Keys.ToHashSet());
        List<(string Place, int Count)> kills = Load.IsLong
            ? [.. places.SelectMany(p => Enumerable.Range(1, p.Value).Select(n => (p.Key, n)))]
            : [("claim: committed", 1), ("claim: journal read", 1), ("writer: before the commit", 1), ("writer: after the commit", 1)];
        var killed = 0;

        await Load.ForEachAsync(kills, async kill =>
        {
            using var run = new KilledRun();
            Assert.True((await run.HostAsync("mixed", environment: At(_firstKill))).WasKilled, run.ToString());
            if ((await run.HostAsync("mixed", environment: At(kill))).WasKilled)
                await MixedRun.FinishAsync(run);
            Interlocked.Add(ref killed, run.Kills);
            MixedRun.AssertEnded(run);
        });

        Load.Report($"{killed} kills, {kills.Count} of them aimed at a recovery");
        Assert.True(killed > kills.Count);
    }

    private static readonly (string Place, int Count) _firstKill = ("step: after the body", 5);

    internal static Dictionary<string, string> At((string Place, int Count) kill) => new() { ["GRANARY_CRASH_AT"] = $"{kill.Place}#{kill.Count}" };

    /// <summary>How often each place is reached.</summary>
    private static async Task<Dictionary<string, int>> PlacesAsync(bool recovering)
    {
        using var run = new KilledRun();
        if (recovering)
            await run.HostAsync("mixed", environment: At(_firstKill));
        var list = Path.Combine(run.Folder, "places");
        await run.HostAsync("mixed", environment: new Dictionary<string, string> { ["GRANARY_CRASH_LIST"] = list });
        MixedRun.AssertEnded(run);
        return File.ReadLines(list).Select(l => l.Split('#')).GroupBy(w => w[0])
            .ToDictionary(g => g.Key, g => g.Max(w => int.Parse(w[1], CultureInfo.InvariantCulture)));
    }

    private static IEnumerable<int> Chosen(int count) => Load.IsLong ? Enumerable.Range(1, count) : new[] { 1, (count + 1) / 2, count }.Distinct();
}
