using CsCheck;
using Granary.Tests.Crashes;
using Xunit;

namespace Granary.Tests.Model;

/// <summary>Each rule is needed: with all the others kept, something breaks without it. What is found is told, shortened.</summary>
public sealed class LeftOutRuleTests
{
    private const int MaxSeeds = 40_000;
    private const int QuietSeeds = 3_000;

    [Theory]
    [InlineData("GHOST", "AppendsNameTheirPredecessor")]
    [InlineData("ACKNOWLEDGED", "CommitComesBeforeAcknowledgement")]
    [InlineData("AFTER THE END", "ReadsNeverClaim")]
    [InlineData("STRANDED", "AppendsByOthersCarryAClaim")]
    [InlineData("STRANDED", "UnclaimedActivationsReadAgain")]
    [InlineData("AFTER THE END", "ResumeIsOneAppendWithItsClaim")]
    [InlineData("ROW", "ParkIsPartOfItsAppend")]
    [InlineData("STRANDED", "CallsWaitForThePark")]
    [InlineData("ROW", "OnlyTheClaimClearsTheWakeUp")]
    [InlineData("STRANDED", "RunsAreBornWithAnOwner")]
    [InlineData("STRANDED", "ResultsAreOutboxRows")]
    [InlineData("DOUBLED", "OutboxRowGoesWithItsFact")]
    [InlineData("STRANDED", "ResultsWaitForEndedRuns")]
    [InlineData("STRANDED", "SilosLookAfterTheirRuns")]
    [InlineData("STRANDED", "SilosLookForLoopsThatHoldTheClaim")]
    [InlineData("STRANDED", "DeadOwnersAreSwept")]
    [InlineData("STRANDED", "OwnerlessRunsAreSwept")]
    [InlineData("STORM", "RunsAreDeletedWithTheirChildren")]
    [InlineData("AFTER THE END", "NothingIsQueuedBehindTheEnd")]
    [InlineData("CANCEL", "EndIsDecidedWithNothingInFlight")]
    [InlineData("STRANDED", "EndIsDecidedWithNothingInFlight")]
    [InlineData("ACKNOWLEDGED", "SecondStartWaitsForTheFirst")]
    [InlineData("DOUBLED", "ClientsSendKeys")]
    [InlineData("REFUSED", "KeysAreLookedUpBeforeTheEnd")]
    [InlineData("LOST", "ContinuationCarriesTheMailbox")]
    public void without_a_rule_something_breaks(string breaks, string rule) => AssertFound(breaks, rule);

    /// <summary>The predecessor's check stands behind these, so leaving out one of them shows only where that is left out too.</summary>
    [Theory]
    [InlineData("FENCED", "AllAppendsOfARunInABatchAreOneUnit")]
    [InlineData("DENSE", "NumbersAreGivenWhenTheBatchIsBuilt")]
    [InlineData("FENCED", "RefusalTakesWhatIsQueuedBehindIt", "NumbersAreGivenWhenTheBatchIsBuilt")]
    [InlineData("DENSE", "ContinuationTakesANewKey")]
    public void where_the_key_alone_is_the_fence_these_break_as_well(string breaks, params string[] rules)
    {
        AssertFound(breaks, [.. rules, nameof(Rule.AppendsNameTheirPredecessor)]);
        AssertQuiet(rules);
    }

    /// <summary>These are for speed and for callers.</summary>
    [Theory]
    [InlineData("OwnWritesAreRecognised")]
    [InlineData("ConflictingClaimsLookAgain")]
    [InlineData("OwnWritesAreRecognised", "ConflictingClaimsLookAgain")]
    public void without_these_nothing_breaks(params string[] rules) => AssertQuiet(rules);

    private static void AssertFound(string breaks, params string[] leftOut)
    {
        var rules = Without(leftOut);
        for (var seed = 1; seed <= MaxSeeds; seed++)
        {
            var found = Of(seed);
            if (Cluster.Play(found, rules).Broken?.StartsWith(breaks, StringComparison.Ordinal) != true)
                continue;
            Load.Report($"without {string.Join(" and ", leftOut)}: {breaks} in seed {seed}, {Interleaving.Shorten(found, rules).Acts.Length} moves");
            TestContext.Current.TestOutputHelper?.WriteLine(Interleaving.Tell(found, rules));
            return;
        }

        Assert.Fail($"{breaks} wasn't broken in {MaxSeeds} seeds.");
    }

    private static void AssertQuiet(string[] leftOut)
    {
        var rules = Without(leftOut);
        for (var seed = 1; seed <= QuietSeeds; seed++)
            Assert.True(Cluster.Play(Of(seed), rules).Broken is null, $"seed {seed}: {Interleaving.Tell(Of(seed), rules)}");
    }

    private static Case Of(int seed) => Case.Gen.Generate(new PCG((uint)seed, 1), null, out _);

    private static RuleSet Without(string[] rules) => new([.. rules.Select(Enum.Parse<Rule>)]);
}
