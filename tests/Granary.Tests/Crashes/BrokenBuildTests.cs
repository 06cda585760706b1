using System.Collections.Concurrent;
using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>The crash suite can fail: a build that acknowledges before it commits turns it red.</summary>
[Trait("Speed", "Slow")]
public sealed class BrokenBuildTests
{
    [Fact]
    public async Task a_build_that_acknowledges_before_it_commits_is_found_out()
    {
        var broken = await FindAsync(broken: true);

        Load.Report($"the broken build shows: {string.Join("; ", broken.Select(v => v.Split(':')[0]).Distinct().Order())}");
        Assert.Contains(broken, v => v.StartsWith("ACKNOWLEDGED", StringComparison.Ordinal));
        Assert.Contains(broken, v => v.StartsWith("ORDER", StringComparison.Ordinal));
    }

    [Fact]
    public async Task the_same_kills_find_nothing_in_the_real_build() => Assert.Empty(await FindAsync(broken: false));

    /// <summary>A few of the crash suite's kills, judged by what judges all of them.</summary>
    private static async Task<IReadOnlyCollection<string>> FindAsync(bool broken)
    {
        var found = new ConcurrentBag<string>();
        await Load.ForEachAsync(["acknowledged", "step: after the body 2", "step: after the body 4"], async place =>
        {
            using var run = new KilledRun();
            Dictionary<string, string> environment = broken ? new() { ["GRANARY_BROKEN"] = "1" } : [];
            if (place != "acknowledged")
                environment["GRANARY_CRASH_AT"] = $"{place[..^2]}#{place[^1]}";
            var part = await run.HostAsync("mixed", environment: environment, onLine: (child, line) =>
            {
                if (place == "acknowledged" && line.StartsWith(place, StringComparison.Ordinal))
                    child.Kill();
            });
            Assert.True(part.WasKilled, run.ToString());
            foreach (var violation in MixedRun.Violations(run))
                found.Add(violation);
        });
        return found;
    }
}
