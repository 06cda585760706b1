using System.Diagnostics;
using CsCheck;
using Granary.Tests.Crashes;
using Xunit;

namespace Granary.Tests.Model;

/// <summary>With all rules of the protocol nothing breaks, whatever happens in whatever order.</summary>
public sealed class ProtocolModelTests
{
    private const int Quick = 2_000;
    private const int Long = 40_000;

    [Fact]
    public void nothing_breaks_with_all_rules() => Sample(Quick);

    [Fact]
    [Trait("Speed", "Long")]
    public void nothing_breaks_with_all_rules_in_many_more_seeds() => Sample(Long);

    private static void Sample(int seeds)
    {
        var clock = Stopwatch.StartNew();
        Case.Gen.Sample(
            c => Cluster.Play(c, RuleSet.All).Broken is null,
            iter: seeds, threads: 2, print: c => Interleaving.Tell(c, RuleSet.All));
        Load.Report($"{seeds} seeds in {clock.Elapsed.TotalSeconds:F1} s");
    }
}
