using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Granary.Journal.Sqlite;

/// <summary>
/// Runs and journals in one SQLite file, of one process. Order at start: lock file, file, schema, process row; a later
/// one is touched only when the earlier ones are right.
/// </summary>
internal sealed partial class SqliteJournalStore : IJournalStore
{
    private readonly string _givenPath;
    private readonly string _incarnation;
    private readonly TimeProvider _time;
    private readonly GranaryOptions _options;
    private readonly ILogger _logger;

    // Held by Write and while the writer is opened or closed: disposal may come while a batch is written.
    private readonly Lock _gate = new();

    private string _path;
    private SqliteFileLock? _lock;
    private SqliteConnection? _writerConnection;
    private SqliteBatchWriter? _writer;
    private SqliteJournalReader? _reader;
    private OpenFiles? _files;
    private StoreException? _takenOver;
    private long _epoch;
    private bool _isDisposed;

    /// <summary>A store that is not open yet: <paramref name="path"/> is made when it isn't there, <paramref name="incarnation"/> is this silo's.</summary>
    public SqliteJournalStore(string path, string incarnation, TimeProvider time, IOptions<GranaryOptions> options, ILogger<SqliteJournalStore> logger)
    {
        _givenPath = path;
        _path = path;
        _incarnation = incarnation;
        _time = time;
        _options = options.Value;
        _logger = logger;
    }

    /// <inheritdoc/>
    public string Description => $"SQLite file '{_path}'";

    /// <summary>The writer's own connection, for tests: settings that belong to a connection can't be asked on another.</summary>
    internal SqliteConnection WriterConnection => _writerConnection ?? throw NotOpen();

    private SqliteJournalReader Reader => _reader ?? throw NotOpen();

    /// <inheritdoc/>
    public Task OpenAsync(CancellationToken cancellationToken) => OffScheduler(Open, cancellationToken);

    /// <inheritdoc/>
    public Task WarmUpAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public UnitOutcome[] Write(IReadOnlyList<AppendUnit> batch)
    {
        lock (_gate)
        {
            if (_isDisposed || _lock is null)
                throw NotOpen();
            try
            {
                if (_takenOver is null && _writer is null)
                    Reopen();
                if (_takenOver is null)
                {
                    var outcomes = _writer!.Write(batch);

                    // After the commit: what went into a deleted file isn't acknowledged.
                    var lost = _files!.Lost();
                    if (outcomes is not null && lost is null)
                        return outcomes;
                    _takenOver = lost is null ? SqliteErrors.TakenOver(_path) : SqliteErrors.Removed(_path, lost);
                    LogTakenOver(_takenOver);
                }
            }
            catch (Exception e) when (e is SqliteException or StoreException)
            {
                // A new connection is opened for the next try, unless only room or a lock was missing.
                if (e is not SqliteException sqlite || !SqliteErrors.LeavesConnectionSound(sqlite))
                    CloseWriter();
                throw SqliteErrors.Unavailable(_path, e);
            }

            var outcome = new UnitOutcome(UnitResult.Fenced, _takenOver);
            return [.. Enumerable.Repeat(outcome, batch.Count)];
        }
    }

    /// <inheritdoc/>
    public Task<DateTimeOffset?> ReadClockAsync(CancellationToken cancellationToken) => Task.FromResult<DateTimeOffset?>(null);

    /// <inheritdoc/>
    public Task<RunRow?> FindRunAsync(string id, CancellationToken cancellationToken) => Reader.FindRunAsync(id, cancellationToken);

    /// <inheritdoc/>
    public Task<JournalHead?> ReadHeadAsync(long runKey, CancellationToken cancellationToken) => Reader.ReadHeadAsync(runKey, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<JournalRow>> ReadAsync(long runKey, long from, long to, CancellationToken cancellationToken) =>
        Reader.ReadPagesAsync(runKey, from, to, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindOrphansAsync(string? incarnation, CancellationToken cancellationToken) =>
        Reader.FindOrphansAsync(incarnation, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindLackingAsync(
        string errorCode, IReadOnlyCollection<(string Name, int Version)> workflows, CancellationToken cancellationToken) =>
        Reader.FindLackingAsync(errorCode, workflows, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> FindOwnedAsync(string incarnation, CancellationToken cancellationToken) =>
        Reader.FindOwnedAsync(incarnation, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<DueRun>> FindDueAsync(RunShard shard, DateTimeOffset until, int limit, CancellationToken cancellationToken) =>
        Reader.FindDueAsync(shard, until, limit, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> FindOwnersAsync(CancellationToken cancellationToken) => Reader.FindOwnersAsync(cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<string>> FindOwnedAsync(string owner, RunShard shard, CancellationToken cancellationToken) =>
        Reader.FindOwnedAsync(owner, shard, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<string>> FindStrandedAsync(RunShard shard, CancellationToken cancellationToken) =>
        Reader.FindStrandedAsync(shard, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> HasSignalAsync(string runId, string key, CancellationToken cancellationToken) => Reader.HasSignalAsync(runId, key, cancellationToken);

    /// <inheritdoc/>
    public Task<StoredEvent?> FindEventAsync(string runId, string name, CancellationToken cancellationToken) =>
        Reader.FindEventAsync(runId, name, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredEvent>> ReadEventsAsync(string runId, string name, long after, int limit, CancellationToken cancellationToken) =>
        Reader.ReadEventsAsync(runId, name, after, limit, cancellationToken);

    /// <inheritdoc/>
    public Task<StoredApproval?> FindApprovalAsync(string id, CancellationToken cancellationToken) => Reader.FindApprovalAsync(id, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredApproval>> ListApprovalsAsync(
        string? runId, string? workflow, (DateTimeOffset AskedAt, string Id)? after, int limit, CancellationToken cancellationToken) =>
        Reader.ListApprovalsAsync(runId, workflow, after, limit, cancellationToken);

    /// <summary>Tells in the lock file where this process can be reached.</summary>
    public void Publish(string url)
    {
        lock (_gate)
            (_lock ?? throw NotOpen()).Publish(url);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await OffScheduler(Close, CancellationToken.None).ConfigureAwait(false);

    /// <summary>Opens a database for a test.</summary>
    internal static async Task<SqliteJournalStore> OpenAsync(
        string path, string incarnation, TimeProvider? time = null, GranaryOptions? options = null, ILogger<SqliteJournalStore>? logger = null)
    {
        var store = new SqliteJournalStore(path, incarnation, time ?? TimeProvider.System, Options.Create(options ?? new GranaryOptions()),
            logger ?? Microsoft.Extensions.Logging.Abstractions.NullLogger<SqliteJournalStore>.Instance);
        await store.OpenAsync(CancellationToken.None).ConfigureAwait(false);
        return store;
    }

    private static Task OffScheduler(Action work, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(work, cancellationToken, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    private void Open()
    {
        lock (_gate)
        {
            try
            {
                _path = CanonicalPath.Of(_givenPath);
                var self = StoreProcess.Current(_incarnation);
                _lock = SqliteFileLock.Take(_path, self);
                _writerConnection = SqliteWriterConnection.Open(_path);
                new SqliteSchema(_path, _logger).Update(_writerConnection, _options.Journal.MigrateAtStart);
                _epoch = ProcessRow.Register(_writerConnection, _path, self, _time.GetUtcNow());
                _writer = new SqliteBatchWriter(_writerConnection.Handle!, _epoch);
                _reader = new SqliteJournalReader(_path);
                _files = new OpenFiles(_path);
                _ = _files.Lost();
                LogOpened(_path, _epoch);
            }
            catch (Exception e)
            {
                CloseWriter();
                _lock?.Dispose();
                _lock = null;
                throw e switch
                {
                    SqliteException sqlite => SqliteErrors.Opening(_path, sqlite),
                    IOException or UnauthorizedAccessException => SqliteErrors.Reaching(_path, e),
                    _ => e,
                };
            }
        }
    }

    private void Close()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            if (_writer is not null)
            {
                try
                {
                    ProcessRow.Close(WriterConnection, _epoch, _time.GetUtcNow());
                }
                catch (SqliteException e)
                {
                    // The next start finds the process gone; nothing depends on the row.
                    LogNotClosed(e, _path);
                }
            }

            // A read after this would open the file anew, without the lock.
            _reader?.Dispose();
            _reader = null;
            CloseWriter();

            // Last: whoever gets the lock must find nothing of this process in the file.
            _lock?.Dispose();
        }
    }

    private void Reopen()
    {
        CloseWriter();
        _files!.ForgetSideFiles();
        if (_files.Lost() is { } lost)
        {
            // Opening would make an empty database.
            _takenOver = SqliteErrors.Removed(_path, lost);
            LogTakenOver(_takenOver);
            return;
        }

        _writerConnection = SqliteWriterConnection.Open(_path);
        _writer = new SqliteBatchWriter(_writerConnection.Handle!, _epoch);
    }

    private void CloseWriter()
    {
        _writer?.Dispose();
        _writer = null;
        _writerConnection?.Dispose();
        _writerConnection = null;
    }

    private InvalidOperationException NotOpen() => new($"{Description} is not open.");

    [LoggerMessage(3103, LogLevel.Information, "Opened '{Path}' as its process {Epoch}.")]
    private partial void LogOpened(string path, long epoch);

    [LoggerMessage(3104, LogLevel.Critical, "Nothing can be recorded any more.")]
    private partial void LogTakenOver(Exception exception);

    [LoggerMessage(3105, LogLevel.Debug, "'{Path}' was closed without saying so in it.")]
    private partial void LogNotClosed(Exception exception, string path);
}
