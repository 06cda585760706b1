namespace Granary.Journal;

/// <summary>
/// All that a batch appends to one run: kept whole or refused whole. Its first row names the row before it, and the
/// insert itself checks that.
/// </summary>
internal sealed class AppendUnit
{
    public required long RunKey { get; init; }

    /// <summary>The number of the row that must be there: 0 for none, and then the run must have no row at all.</summary>
    public required long PreviousSeq { get; init; }

    /// <summary>That row's append id; 0 for none.</summary>
    public required long PreviousAppendId { get; init; }

    /// <summary>Dense from <see cref="PreviousSeq"/> + 1.</summary>
    public required IReadOnlyList<JournalRow> Rows { get; init; }

    /// <summary>The run's row, when this unit makes it.</summary>
    public RunRow? NewRun { get; init; }

    /// <summary>Changes of the run's row in the order of their appends.</summary>
    public IReadOnlyList<RunChange> Changes { get; init; } = [];

    /// <summary>What is written beside the rows, in the order of the appends.</summary>
    public IReadOnlyList<UnitSide> Sides { get; init; } = [];
}

/// <summary>What became of a unit.</summary>
/// <param name="Result">How it ended.</param>
/// <param name="Error">
/// For <see cref="UnitResult.Rejected"/>: why. For <see cref="UnitResult.Fenced"/>: a <see cref="StoreException"/> when another
/// process has taken the whole database over, and then no later try will be kept either; else null.
/// </param>
internal readonly record struct UnitOutcome(UnitResult Result, Exception? Error = null);

/// <summary>How a unit ended. All but <see cref="Committed"/> kept nothing of it.</summary>
internal enum UnitResult
{
    /// <summary>Committed, now or by an earlier try whose reply was lost.</summary>
    Committed,

    /// <summary>The row before it isn't the named one, or its number is taken: another activation owns the run.</summary>
    Fenced,

    /// <summary>A new run whose id exists.</summary>
    IdTaken,

    /// <summary>A new run whose key exists under another id: take a new key.</summary>
    KeyTaken,

    /// <summary>The store refuses the data itself; the same data will be refused again.</summary>
    Rejected,
}
