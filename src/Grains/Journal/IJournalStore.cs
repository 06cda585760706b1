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
    /// Opens, prepares and runs, beside the start of the silo, what the first take-up would have to wait for. Changes nothing,
    /// and doesn't fail: what it doesn't reach is done when it is needed.
    /// </summary>
    Task WarmUpAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Writes a batch in one transaction on the writer's own connection. Each unit is kept whole or refused whole; one
    /// refused unit changes nothing for the others. Returns after the commit. Called from the writer's thread only.
    /// </summary>
    /// <returns>The outcomes, in the order of the units.</returns>
    /// <exception cref="StoreUnavailableException">Nothing is known of the batch: send the very same units again.</exception>
    UnitOutcome[] Write(IReadOnlyList<AppendUnit> batch);

    /// <summary>The time by the store's own clock; null where that is the process's.</summary>
    Task<DateTimeOffset?> ReadClockAsync(CancellationToken cancellationToken);

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
    /// <param name="incarnation">The only owner that may live; null where others may, then runs of no owner are found.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindOrphansAsync(string? incarnation, CancellationToken cancellationToken);

    /// <summary>Runs that nobody owns and that wait on a version, with that error, and are of one of these workflows. In the order of their keys, in pages.</summary>
    IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindLackingAsync(string errorCode, IReadOnlyCollection<(string Name, int Version)> workflows, CancellationToken cancellationToken);

    /// <summary>The runs of a share that must be woken up to an instant, the earliest first.</summary>
    Task<IReadOnlyList<DueRun>> FindDueAsync(RunShard shard, DateTimeOffset until, int limit, CancellationToken cancellationToken);

    /// <summary>The incarnations that own unended runs.</summary>
    Task<IReadOnlyList<string>> FindOwnersAsync(CancellationToken cancellationToken);

    /// <summary>The ids of an owner's unended runs of a share, in pages.</summary>
    IAsyncEnumerable<IReadOnlyList<string>> FindOwnedAsync(string owner, RunShard shard, CancellationToken cancellationToken);

    /// <summary>The ids of runs of a share that nobody executes though nothing will wake them: handed over in good order. In pages.</summary>
    IAsyncEnumerable<IReadOnlyList<string>> FindStrandedAsync(RunShard shard, CancellationToken cancellationToken);

    /// <summary>Whether a run has accepted a signal under that key.</summary>
    Task<bool> HasSignalAsync(string runId, string key, CancellationToken cancellationToken);

    /// <summary>The newest value of that name; null when the run has set none.</summary>
    Task<StoredEvent?> FindEventAsync(string runId, string name, CancellationToken cancellationToken);

    /// <summary>The values of that name after a journal number, in the order in which they were set.</summary>
    Task<IReadOnlyList<StoredEvent>> ReadEventsAsync(string runId, string name, long after, int limit, CancellationToken cancellationToken);

    /// <summary>The approval with that id; null when there is none.</summary>
    Task<StoredApproval?> FindApprovalAsync(string id, CancellationToken cancellationToken);

    /// <summary>Open approvals of runs that haven't ended, the oldest first.</summary>
    /// <param name="runId">Only of that run.</param>
    /// <param name="workflow">Only of that workflow.</param>
    /// <param name="after">The last one of the page before; null for the first page.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    Task<IReadOnlyList<StoredApproval>> ListApprovalsAsync(string? runId, string? workflow, (DateTimeOffset AskedAt, string Id)? after, int limit, CancellationToken cancellationToken);

    /// <summary>The ids of unended runs whose owner is this incarnation.</summary>
    Task<IReadOnlyList<string>> FindOwnedAsync(string incarnation, CancellationToken cancellationToken);
}

/// <summary>The end of a run's chain.</summary>
internal readonly record struct JournalHead(long Seq, long AppendId, int Epoch, string Kind, DateTimeOffset CommittedAt);

/// <summary>A run that waits for its time.</summary>
internal readonly record struct DueRun(string Id, DateTimeOffset WakeAt);

/// <summary>
/// A share of the runs, by the low bits of their keys: those are random, while the high ones are the time, which would
/// give all new runs to one share.
/// </summary>
/// <param name="Index">Which share, from 0.</param>
/// <param name="Count">How many there are: a power of two.</param>
internal readonly record struct RunShard(int Index, int Count)
{
    /// <summary>All of them.</summary>
    public static RunShard All { get; } = new(0, 1);

    public int Mask => Count - 1;

    public static RunShard Of(long key, int count) => new((int)(key & (count - 1)), count);
}

/// <summary>A run that nobody executes.</summary>
internal readonly record struct OrphanedRun(string Id, string Workflow, RunStatus Status, string? WaitingOn, string? Owner);
