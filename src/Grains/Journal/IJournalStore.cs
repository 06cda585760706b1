namespace Granary.Journal;

/// <summary>
/// A database that keeps runs and journals. The compliance suite (<c>tests/Granary.Tests/Journal/JournalStoreCompliance.cs</c>)
/// says what every store must do.
/// </summary>
internal interface IJournalStore : IAsyncDisposable
{
    /// <summary>For messages: what and where, without secrets.</summary>
    string Description { get; }

    /// <summary>Takes what locks it needs, brings the schema up to date, and registers this process. Called once, before anything else.</summary>
    /// <exception cref="StoreException">It can't be used: locked, corrupt, read-only, unreachable, another schema.</exception>
    Task OpenAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Writes a batch in one transaction on the writer's own connection. Each unit is kept whole or refused whole; one
    /// refused unit changes nothing for the others. Returns after the commit. Called from the writer's thread only.
    /// </summary>
    /// <returns>The outcomes, in the order of the units.</returns>
    /// <exception cref="StoreUnavailableException">Nothing is known of the batch: send the very same units again.</exception>
    UnitOutcome[] Write(IReadOnlyList<AppendUnit> batch);

    /// <summary>The run with that id; null when there is none. Never claims.</summary>
    Task<RunRow?> FindRunAsync(string id, CancellationToken cancellationToken);

    /// <summary>The last row's number, append id, epoch and kind; null when the run has no row.</summary>
    Task<JournalHead?> ReadHeadAsync(long runKey, CancellationToken cancellationToken);

    /// <summary>Rows from a number up to another (both included), in order, in pages.</summary>
    IAsyncEnumerable<IReadOnlyList<JournalRow>> ReadAsync(long runKey, long from, long to, CancellationToken cancellationToken);

    /// <summary>
    /// Runs that must be taken over: running or waiting under an owner that isn't this incarnation, or with neither owner nor
    /// wake-up though they run, or waiting on a version. In the order of their keys, in pages.
    /// </summary>
    IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindOrphansAsync(string incarnation, CancellationToken cancellationToken);

    /// <summary>The ids of unended runs whose owner is this incarnation.</summary>
    Task<IReadOnlyList<string>> FindOwnedAsync(string incarnation, CancellationToken cancellationToken);
}

/// <summary>The end of a run's chain.</summary>
internal readonly record struct JournalHead(long Seq, long AppendId, int Epoch, string Kind, DateTimeOffset CommittedAt);

/// <summary>A run that nobody executes.</summary>
internal readonly record struct OrphanedRun(string Id, string Workflow, RunStatus Status, string? WaitingOn, string? Owner);
