namespace Granary.Tests.Model;

/// <summary>The rules of the run protocol. The model plays with all of them, or with some left out.</summary>
internal enum Rule
{
    // The chain and the writer.
    AppendsNameTheirPredecessor,
    AllAppendsOfARunInABatchAreOneUnit,
    RefusalTakesWhatIsQueuedBehindIt,
    NumbersAreGivenWhenTheBatchIsBuilt,
    OwnWritesAreRecognised,
    CommitComesBeforeAcknowledgement,

    // Claims.
    ReadsNeverClaim,
    AppendsByOthersCarryAClaim,
    UnclaimedActivationsReadAgain,
    ResumeIsOneAppendWithItsClaim,
    ConflictingClaimsLookAgain,

    // Parking.
    ParkIsPartOfItsAppend,
    CallsWaitForThePark,
    OnlyTheClaimClearsTheWakeUp,

    // Work is found without a call.
    RunsAreBornWithAnOwner,
    ResultsAreOutboxRows,
    OutboxRowGoesWithItsFact,
    ResultsWaitForEndedRuns,
    SilosLookAfterTheirRuns,
    SilosLookForLoopsThatHoldTheClaim,
    DeadOwnersAreSwept,
    OwnerlessRunsAreSwept,

    // Retention.
    RunsAreDeletedWithTheirChildren,

    // Ends.
    NothingIsQueuedBehindTheEnd,
    EndIsDecidedWithNothingInFlight,

    // Callers.
    SecondStartWaitsForTheFirst,
    ClientsSendKeys,
    KeysAreLookedUpBeforeTheEnd,

    // Continue as new.
    ContinuationTakesANewKey,
    ContinuationCarriesTheMailbox,
}

/// <summary>Which rules are left out.</summary>
internal sealed class RuleSet(params Rule[] leftOut)
{
    private readonly long _leftOut = leftOut.Aggregate(0L, (mask, rule) => mask | (1L << (int)rule));

    public static RuleSet All { get; } = new();

    public bool Has(Rule rule) => (_leftOut & (1L << (int)rule)) == 0;
}
