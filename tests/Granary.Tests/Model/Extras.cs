using Granary.Journal;

namespace Granary.Tests.Model;

/// <summary>What belongs to an append's fact and commits with it, beyond what the engine's own appends have yet.</summary>
internal sealed record Extras
{
    /// <summary>The call that the append answers.</summary>
    public Call? Call { get; init; }

    /// <summary>A signal's key, unique by run id.</summary>
    public string? SignalKey { get; init; }

    /// <summary>A child's row and its first fact.</summary>
    public (RunRow Row, JournalRow Started)? Child { get; init; }

    /// <summary>The parent that is owed this run's result.</summary>
    public string? OwesResultTo { get; init; }

    /// <summary>The child whose outbox row goes with this append; the unit is refused when it has gone already.</summary>
    public string? TakesResultOf { get; init; }

    /// <summary>The first fact of the next generation, and its key.</summary>
    public (long Key, JournalRow Started)? Continuation { get; init; }

    /// <summary>Without the rule: a change of the run's row that follows the append by itself.</summary>
    public RunChange? Intended { get; init; }

    /// <summary>Told what became of the append.</summary>
    public required Action<UnitOutcome, Append> Then { get; init; }
}
