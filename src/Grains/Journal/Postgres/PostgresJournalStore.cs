using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Granary.Journal.Postgres;

/// <summary>
/// Runs and journals in a Postgres database that many silos share. Nothing locks one out of it: the chain in the journal
/// is the fence.
/// </summary>
internal sealed partial class PostgresJournalStore : IJournalStore
{
    private readonly PostgresConnections _connections;
    private readonly PostgresJournalReader _reader;
    private readonly GranaryOptions _options;
    private readonly ILogger _logger;

    // Held by Write and while the writer is opened or closed: disposal may come while a batch is written.
    private readonly Lock _gate = new();

    private NpgsqlConnection? _connection;
    private PostgresBatchWriter? _writer;
    private ServerIdentity? _server;
    private StoreException? _anotherDatabase;
    private bool _isDisposed;

    /// <summary>A store that is not open yet.</summary>
    /// <exception cref="StoreException"><c>GRN3007</c>: that is no connection string.</exception>
    public PostgresJournalStore(string connectionString, IOptions<GranaryOptions> options, ILogger<PostgresJournalStore> logger)
    {
        _options = options.Value;
        _connections = new PostgresConnections(connectionString, _options.Journal.Schema);
        _reader = new PostgresJournalReader(_connections);
        _logger = logger;
    }

    /// <inheritdoc/>
    public string Description => _connections.Description;

    /// <summary>For Orleans' providers: at most three connections, with the schema in the search path. It goes with the store.</summary>
    public NpgsqlDataSource OrleansDataSource => _connections.Orleans;

    /// <summary>The writer, for tests.</summary>
    internal PostgresBatchWriter Writer => _writer ?? throw NotOpen();

    /// <inheritdoc/>
    public Task OpenAsync(CancellationToken cancellationToken) =>
        Task.Factory.StartNew(Open, cancellationToken, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    /// <inheritdoc/>
    public Task WarmUpAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Task.Run(WarmUpWriter, CancellationToken.None), Task.Run(() => _reader.WarmUpAsync(cancellationToken), CancellationToken.None));

    /// <inheritdoc/>
    public UnitOutcome[] Write(IReadOnlyList<AppendUnit> batch)
    {
        lock (_gate)
        {
            if (_isDisposed || _server is null)
                throw NotOpen();
            try
            {
                if (_writer is null)
                    Reopen();
                if (_anotherDatabase is null)
                    return _writer!.Write(batch);
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or InvalidOperationException or System.Net.Sockets.SocketException)
            {
                if (!PostgresErrors.LeavesConnectionSound(e))
                    CloseWriter();
                throw PostgresErrors.Unavailable(Description, e);
            }

            var outcome = new UnitOutcome(UnitResult.Fenced, _anotherDatabase);
            return [.. Enumerable.Repeat(outcome, batch.Count)];
        }
    }

    /// <inheritdoc/>
    public async Task<DateTimeOffset?> ReadClockAsync(CancellationToken cancellationToken) => await _reader.ReadClockAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public Task<RunRow?> FindRunAsync(string id, CancellationToken cancellationToken) => _reader.FindRunAsync(id, cancellationToken);

    /// <inheritdoc/>
    public Task<JournalHead?> ReadHeadAsync(long runKey, CancellationToken cancellationToken) => _reader.ReadHeadAsync(runKey, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<JournalRow>> ReadAsync(long runKey, long from, long to, CancellationToken cancellationToken) =>
        _reader.ReadPagesAsync(runKey, from, to, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindOrphansAsync(string? incarnation, CancellationToken cancellationToken) =>
        _reader.FindOrphansAsync(incarnation, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindLackingAsync(
        string errorCode, IReadOnlyCollection<(string Name, int Version)> workflows, CancellationToken cancellationToken) =>
        _reader.FindLackingAsync(errorCode, workflows, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> FindOwnedAsync(string incarnation, CancellationToken cancellationToken) =>
        _reader.FindOwnedAsync(incarnation, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<DueRun>> FindDueAsync(RunShard shard, DateTimeOffset until, int limit, CancellationToken cancellationToken) =>
        _reader.FindDueAsync(shard, until, limit, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> FindOwnersAsync(CancellationToken cancellationToken) => _reader.FindOwnersAsync(cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<string>> FindOwnedAsync(string owner, RunShard shard, CancellationToken cancellationToken) =>
        _reader.FindOwnedAsync(owner, shard, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<string>> FindStrandedAsync(RunShard shard, CancellationToken cancellationToken) =>
        _reader.FindStrandedAsync(shard, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> HasSignalAsync(string runId, string key, CancellationToken cancellationToken) => _reader.HasSignalAsync(runId, key, cancellationToken);

    /// <inheritdoc/>
    public Task<StoredEvent?> FindEventAsync(string runId, string name, CancellationToken cancellationToken) =>
        _reader.FindEventAsync(runId, name, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredEvent>> ReadEventsAsync(string runId, string name, long after, int limit, CancellationToken cancellationToken) =>
        _reader.ReadEventsAsync(runId, name, after, limit, cancellationToken);

    /// <inheritdoc/>
    public Task<StoredApproval?> FindApprovalAsync(string id, CancellationToken cancellationToken) => _reader.FindApprovalAsync(id, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredApproval>> ListApprovalsAsync(
        string? runId, string? workflow, (DateTimeOffset AskedAt, string Id)? after, int limit, CancellationToken cancellationToken) =>
        _reader.ListApprovalsAsync(runId, workflow, after, limit, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return ValueTask.CompletedTask;
            _isDisposed = true;
            CloseWriter();
            _connections.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Opens a database for a test.</summary>
    internal static async Task<PostgresJournalStore> OpenAsync(string connectionString, GranaryOptions? options = null, ILogger<PostgresJournalStore>? logger = null)
    {
        var store = new PostgresJournalStore(connectionString, Options.Create(options ?? new GranaryOptions()), logger ?? NullLogger<PostgresJournalStore>.Instance);
        try
        {
            await store.OpenAsync(CancellationToken.None).ConfigureAwait(false);
            return store;
        }
        catch
        {
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private void Open()
    {
        lock (_gate)
        {
            try
            {
                // On a connection without the writer's settings: they are for its own statements only.
                using (var connection = _connections.New("granary start"))
                {
                    connection.Open();
                    PostgresChecks.Server(connection, Description);
                    _connection = PostgresWriterConnection.Open(_connections);
                    PostgresChecks.NoPooler(connection, _connection, Description);
                    new PostgresSchema(_connections, _logger).Update(connection, _options.Journal.MigrateAtStart);
                    PostgresChecks.Rights(connection, _connections.Schema, Description);
                    _server = ServerIdentity.Read(connection);
                }

                _writer = new PostgresBatchWriter(_connection, _connections.Schema);
                LogOpened(Description);
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or InvalidOperationException or StoreException or ArgumentException or System.Net.Sockets.SocketException)
            {
                CloseWriter();
                throw PostgresErrors.Opening(Description, e);
            }
        }
    }

    /// <summary>
    /// Connects again. Another server is not written to. After a promotion the chain tells which runs have lost rows: their
    /// appends find no predecessor and are refused.
    /// </summary>
    private void Reopen()
    {
        CloseWriter();
        _connection = PostgresWriterConnection.Open(_connections);
        var server = ServerIdentity.Read(_connection);
        if (server.SystemId != _server!.Value.SystemId)
        {
            _anotherDatabase ??= PostgresErrors.AnotherDatabase(Description);
            LogAnotherDatabase(_anotherDatabase);
            return;
        }

        if (server.Timeline != _server.Value.Timeline)
            LogPromoted(Description, _server.Value.Timeline, server.Timeline);
        _server = server;
        _writer = new PostgresBatchWriter(_connection, _connections.Schema);
    }

    private void WarmUpWriter()
    {
        lock (_gate)
        {
            try
            {
                _writer?.WarmUp();
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or InvalidOperationException)
            {
                // The first batch meets the same, and it is told.
                CloseWriter();
            }
        }
    }

    private void CloseWriter()
    {
        _writer = null;
        _connection?.Dispose();
        _connection = null;
    }

    private InvalidOperationException NotOpen() => new($"The {Description} is not open.");

    [LoggerMessage(3113, LogLevel.Information, "Opened the {Where}.")]
    private partial void LogOpened(string where);

    [LoggerMessage(3114, LogLevel.Critical, "Nothing can be recorded any more.")]
    private partial void LogAnotherDatabase(Exception exception);

    [LoggerMessage(3115, LogLevel.Warning,
        "Another server has taken over the {Where} (timeline {Before}, now {Now}). Without synchronous replication it may lack commits that were acknowledged; runs that it lacks rows of are read again.")]
    private partial void LogPromoted(string where, string before, string now);
}
