using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Granary.Journal.Sqlite;

/// <summary>
/// Reads on pooled connections of their own, beside the writer. The provider's asynchronous calls block, so each read is
/// a piece of work for the thread pool: no grain's scheduler waits for the disk.
/// </summary>
internal sealed class SqliteJournalReader(string path) : IDisposable
{
    private const int PageRows = 1_000;
    private const int PageBytes = 4 * 1024 * 1024;

    private const string Approval = """
        a.id, a.run_id, a.workflow, a.step_key, a.question, a.arguments_codec, a.arguments, a.arguments_hash, a.deciders, a.allows_edits,
          a.asked_at, a.expires_at, a.decision, a.decided_by, a.comment, a.edited_codec, a.edited, a.decided_at
        """;

    private readonly string _connectionString = new SqliteConnectionStringBuilder
    {
        DataSource = path,
        Mode = SqliteOpenMode.ReadWrite,
        Pooling = true,
        DefaultTimeout = 5,
    }.ToString();

    public Task<RunRow?> FindRunAsync(string id, CancellationToken cancellationToken) => ReadAsync(
        "select * from granary_runs where id = $id", command => command.Parameters.AddWithValue("$id", id), ReadRun, cancellationToken);

    public Task<JournalHead?> ReadHeadAsync(long runKey, CancellationToken cancellationToken) => ReadAsync(
        "select seq, append_id, epoch, kind, committed_at from granary_journal where run_key = $run order by seq desc limit 1",
        command => command.Parameters.AddWithValue("$run", runKey),
        reader => reader.Read()
            ? new JournalHead(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt32(2), reader.GetString(3), SqliteTime.FromMicroseconds(reader.GetInt64(4)))
            : (JournalHead?)null,
        cancellationToken);

    public async IAsyncEnumerable<IReadOnlyList<JournalRow>> ReadPagesAsync(
        long runKey, long from, long to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (from <= to)
        {
            var first = from;
            var page = await ReadAsync(
                $"""
                select seq, epoch, append_id, kind, step_key, step_kind, name, attempt, due_at, started_at, committed_at, fingerprint, error,
                  input_codec, input, output_codec, output
                from granary_journal where run_key = $run and seq between $from and $to order by seq limit {PageRows}
                """,
                command =>
                {
                    command.Parameters.AddWithValue("$run", runKey);
                    command.Parameters.AddWithValue("$from", first);
                    command.Parameters.AddWithValue("$to", to);
                },
                ReadPage,
                cancellationToken).ConfigureAwait(false);
            if (page.Count == 0)
                yield break;
            yield return page;
            from = page[^1].Seq + 1;
        }
    }

    public IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindOrphansAsync(string? incarnation, CancellationToken cancellationToken) => ReadOrphansAsync(
        $"""
        select id, workflow, status, waiting_on, owner, key from granary_runs
        where key > $after and owner is not null and owner <> $me and status in ('running', 'waiting')
        union all
        select id, workflow, status, waiting_on, owner, key from granary_runs
        where key > $after and owner is null and wake_at is null and (status = 'running' or waiting_on = 'version')
        order by key limit {PageRows}
        """,
        command => command.Parameters.AddWithValue("$me", (object?)incarnation ?? DBNull.Value),
        cancellationToken);

    public IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindLackingAsync(
        string errorCode, IReadOnlyCollection<(string Name, int Version)> workflows, CancellationToken cancellationToken) => ReadOrphansAsync(
        $"""
        select id, workflow, status, waiting_on, owner, key from granary_runs
        where key > $after and owner is null and wake_at is null and (status = 'running' or waiting_on = 'version')
        and waiting_on = 'version' and instr(error, $code) > 0
        and exists (select 1 from json_each($workflows) where value ->> 0 = workflow and value ->> 1 = workflow_version)
        order by key limit {PageRows}
        """,
        command =>
        {
            command.Parameters.AddWithValue("$code", $"\"code\":\"{errorCode}\"");
            command.Parameters.AddWithValue("$workflows", JsonSerializer.Serialize(workflows.Select(w => new object[] { w.Name, w.Version })));
        },
        cancellationToken);

    private async IAsyncEnumerable<IReadOnlyList<OrphanedRun>> ReadOrphansAsync(
        string sql, Action<SqliteCommand> bind, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long? after = long.MinValue; after is not null;)
        {
            var last = after.Value;
            (var page, after) = await ReadAsync(
                sql,
                command =>
                {
                    command.Parameters.AddWithValue("$after", last);
                    bind(command);
                },
                ReadOrphans,
                cancellationToken).ConfigureAwait(false);
            if (page.Count > 0)
                yield return page;
        }
    }

    public Task<IReadOnlyList<string>> FindOwnedAsync(string incarnation, CancellationToken cancellationToken) => ReadAsync(
        "select id from granary_runs where owner is not null and owner = $me and status not in ('succeeded', 'failed', 'cancelled', 'poisoned') order by key",
        command => command.Parameters.AddWithValue("$me", incarnation),
        IReadOnlyList<string> (reader) =>
        {
            var ids = new List<string>();
            while (reader.Read())
                ids.Add(reader.GetString(0));
            return ids;
        },
        cancellationToken);

    public Task<IReadOnlyList<DueRun>> FindDueAsync(RunShard shard, DateTimeOffset until, int limit, CancellationToken cancellationToken) => ReadAsync(
        "select id, wake_at from granary_runs where wake_at is not null and wake_at <= $until and owner is null and key & $mask = $shard order by wake_at limit $limit",
        command =>
        {
            command.Parameters.AddWithValue("$until", SqliteTime.ToMicroseconds(until));
            command.Parameters.AddWithValue("$mask", shard.Mask);
            command.Parameters.AddWithValue("$shard", shard.Index);
            command.Parameters.AddWithValue("$limit", limit);
        },
        IReadOnlyList<DueRun> (reader) =>
        {
            var due = new List<DueRun>();
            while (reader.Read())
                due.Add(new DueRun(reader.GetString(0), SqliteTime.FromMicroseconds(reader.GetInt64(1))));
            return due;
        },
        cancellationToken);

    public Task<IReadOnlyList<string>> FindOwnersAsync(CancellationToken cancellationToken) => ReadAsync(
        "select distinct owner from granary_runs where owner is not null",
        _ => { },
        IReadOnlyList<string> (reader) =>
        {
            var owners = new List<string>();
            while (reader.Read())
                owners.Add(reader.GetString(0));
            return owners;
        },
        cancellationToken);

    public IAsyncEnumerable<IReadOnlyList<string>> FindOwnedAsync(string owner, RunShard shard, CancellationToken cancellationToken) =>
        ReadIdsAsync("owner is not null and owner = $owner", shard, command => command.Parameters.AddWithValue("$owner", owner), cancellationToken);

    public IAsyncEnumerable<IReadOnlyList<string>> FindStrandedAsync(RunShard shard, CancellationToken cancellationToken) =>
        ReadIdsAsync("owner is null and wake_at is null and (status = 'running' or waiting_on = 'version') and status = 'running'", shard, _ => { }, cancellationToken);

    private async IAsyncEnumerable<IReadOnlyList<string>> ReadIdsAsync(
        string condition, RunShard shard, Action<SqliteCommand> bind, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var after = long.MinValue; ;)
        {
            var last = after;
            var page = await ReadAsync(
                $"select id, key from granary_runs where key > $after and {condition} and key & $mask = $shard order by key limit {PageRows}",
                command =>
                {
                    command.Parameters.AddWithValue("$after", last);
                    command.Parameters.AddWithValue("$mask", shard.Mask);
                    command.Parameters.AddWithValue("$shard", shard.Index);
                    bind(command);
                },
                reader =>
                {
                    var rows = new List<(string Id, long Key)>();
                    while (reader.Read())
                        rows.Add((reader.GetString(0), reader.GetInt64(1)));
                    return rows;
                },
                cancellationToken).ConfigureAwait(false);
            if (page.Count == 0)
                yield break;
            yield return page.ConvertAll(row => row.Id);
            after = page[^1].Key;
        }
    }

    public Task<bool> HasSignalAsync(string runId, string key, CancellationToken cancellationToken) => ReadAsync(
        "select 1 from granary_signals where run_id = $run and key = $key",
        command =>
        {
            command.Parameters.AddWithValue("$run", runId);
            command.Parameters.AddWithValue("$key", key);
        },
        reader => reader.Read(),
        cancellationToken);

    public async Task<StoredEvent?> FindEventAsync(string runId, string name, CancellationToken cancellationToken)
    {
        var newest = await ReadEventsAsync("order by run_key desc, seq desc", runId, name, 0, 1, cancellationToken).ConfigureAwait(false);
        return newest.Count == 0 ? null : newest[0];
    }

    public Task<IReadOnlyList<StoredEvent>> ReadEventsAsync(string runId, string name, long after, int limit, CancellationToken cancellationToken) =>
        ReadEventsAsync("order by seq", runId, name, after, limit, cancellationToken);

    public async Task<StoredApproval?> FindApprovalAsync(string id, CancellationToken cancellationToken)
    {
        var found = await ReadAsync(
            $"select {Approval} from granary_approvals a where id = $id", command => command.Parameters.AddWithValue("$id", id), ReadApprovals, cancellationToken)
            .ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }

    public Task<IReadOnlyList<StoredApproval>> ListApprovalsAsync(
        string? runId, string? workflow, (DateTimeOffset AskedAt, string Id)? after, int limit, CancellationToken cancellationToken) => ReadAsync(
        $"""
        select {Approval} from granary_approvals a join granary_runs r on r.key = a.run_key
        where a.decision is null and r.status not in ('succeeded', 'failed', 'cancelled', 'poisoned')
          {(runId is null ? "" : "and a.run_id = $run")}
          {(workflow is null ? "" : "and a.workflow = $workflow")}
          {(after is null ? "" : "and (a.asked_at, a.id) > ($at, $id)")}
        order by a.asked_at, a.id limit $limit
        """,
        command =>
        {
            if (runId is not null)
                command.Parameters.AddWithValue("$run", runId);
            if (workflow is not null)
                command.Parameters.AddWithValue("$workflow", workflow);
            if (after is var (at, id))
            {
                command.Parameters.AddWithValue("$at", SqliteTime.ToMicroseconds(at));
                command.Parameters.AddWithValue("$id", id);
            }

            command.Parameters.AddWithValue("$limit", limit);
        },
        ReadApprovals,
        cancellationToken);

    public void Dispose()
    {
        using var connection = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(connection);
    }

    private Task<T> ReadAsync<T>(string sql, Action<SqliteCommand> bind, Func<SqliteDataReader, T> read, CancellationToken cancellationToken) =>
        Task.Run(
            () =>
            {
                try
                {
                    using var connection = new SqliteConnection(_connectionString);
                    connection.Open();
                    using var command = connection.CreateCommand();

                    // A read that tried to write would be a bug: let it fail.
                    command.CommandText = "pragma query_only = 1";
                    command.ExecuteNonQuery();
                    command.CommandText = sql;
                    bind(command);
                    using var reader = command.ExecuteReader();
                    return read(reader);
                }
                catch (SqliteException e)
                {
                    throw SqliteErrors.Unavailable(path, e);
                }
            },
            cancellationToken);

    private Task<IReadOnlyList<StoredEvent>> ReadEventsAsync(
        string order, string runId, string name, long after, int limit, CancellationToken cancellationToken) => ReadAsync(
        $"select seq, step_key, value_codec, value, set_at from granary_events where run_id = $run and name = $name and seq > $after {order} limit $limit",
        command =>
        {
            command.Parameters.AddWithValue("$run", runId);
            command.Parameters.AddWithValue("$name", name);
            command.Parameters.AddWithValue("$after", after);
            command.Parameters.AddWithValue("$limit", limit);
        },
        IReadOnlyList<StoredEvent> (reader) =>
        {
            var events = new List<StoredEvent>();
            while (reader.Read())
                events.Add(new StoredEvent(reader.GetInt64(0), reader.GetString(1), reader.PayloadOrNull(2)!, SqliteTime.FromMicroseconds(reader.GetInt64(4))));
            return events;
        },
        cancellationToken);

    private static IReadOnlyList<StoredApproval> ReadApprovals(SqliteDataReader reader)
    {
        var approvals = new List<StoredApproval>();
        while (reader.Read())
        {
            var asked = new ApprovalRow
            {
                Id = reader.GetString(0),
                RunId = reader.GetString(1),
                Workflow = reader.GetString(2),
                StepKey = reader.GetString(3),
                Question = reader.GetString(4),
                Arguments = reader.PayloadOrNull(5),
                Hash = reader.BytesOrNull(7),
                Deciders = reader.TextOrNull(8),
                AllowsEdits = reader.GetBoolean(9),
                ExpiresAt = reader.TimeOrNull(11),
            };
            var closed = reader.IsDBNull(12) ? null : new ApprovalClosedRow
            {
                Id = asked.Id,
                Decision = reader.GetString(12),
                By = reader.TextOrNull(13),
                Comment = reader.TextOrNull(14),
                EditedArguments = reader.PayloadOrNull(15),
            };
            approvals.Add(new StoredApproval(asked, SqliteTime.FromMicroseconds(reader.GetInt64(10)), closed, reader.TimeOrNull(17)));
        }

        return approvals;
    }

    private static List<JournalRow> ReadPage(SqliteDataReader reader)
    {
        var page = new List<JournalRow>();
        var bytes = 0;
        while (bytes < PageBytes && reader.Read())
        {
            var row = new JournalRow
            {
                Seq = reader.GetInt64(0),
                Epoch = reader.GetInt32(1),
                AppendId = reader.GetInt64(2),
                Kind = reader.GetString(3),
                StepKey = reader.TextOrNull(4),
                StepKind = reader.TextOrNull(5),
                Name = reader.TextOrNull(6),
                Attempt = reader.GetInt32(7),
                DueAt = reader.TimeOrNull(8),
                StartedAt = reader.TimeOrNull(9),
                CommittedAt = SqliteTime.FromMicroseconds(reader.GetInt64(10)),
                Fingerprint = reader.BytesOrNull(11),
                Error = reader.BytesOrNull(12),
                Input = reader.PayloadOrNull(13),
                Output = reader.PayloadOrNull(15),
            };
            page.Add(row);
            bytes += row.Bytes;
        }

        return page;
    }

    private static (IReadOnlyList<OrphanedRun> Page, long? Last) ReadOrphans(SqliteDataReader reader)
    {
        var page = new List<OrphanedRun>();
        long? last = null;
        while (reader.Read())
        {
            page.Add(new OrphanedRun(reader.GetString(0), reader.GetString(1), RunStatusText.Parse(reader.GetString(2)), reader.TextOrNull(3), reader.TextOrNull(4)));
            last = reader.GetInt64(5);
        }

        return (page, page.Count < PageRows ? null : last);
    }

    private static RunRow? ReadRun(SqliteDataReader reader) => !reader.Read() ? null : new RunRow
    {
        Key = reader.GetInt64(reader.GetOrdinal("key")),
        Id = reader.GetString(reader.GetOrdinal("id")),
        Workflow = reader.GetString(reader.GetOrdinal("workflow")),
        WorkflowVersion = reader.GetInt32(reader.GetOrdinal("workflow_version")),
        Version = reader.GetString(reader.GetOrdinal("version")),
        Status = RunStatusText.Parse(reader.GetString(reader.GetOrdinal("status"))),
        WaitingOn = reader.TextOrNull(reader.GetOrdinal("waiting_on")),
        Owner = reader.TextOrNull(reader.GetOrdinal("owner")),
        WakeAt = reader.TimeOrNull(reader.GetOrdinal("wake_at")),
        Deadline = reader.TimeOrNull(reader.GetOrdinal("deadline")),
        RecoveryAttempts = reader.GetInt32(reader.GetOrdinal("recovery_attempts")),
        Input = reader.PayloadOrNull(reader.GetOrdinal("input_codec"))!,
        Output = reader.PayloadOrNull(reader.GetOrdinal("output_codec")),
        Error = reader.BytesOrNull(reader.GetOrdinal("error")),
        TraceParent = reader.TextOrNull(reader.GetOrdinal("trace_parent")),
        CreatedAt = SqliteTime.FromMicroseconds(reader.GetInt64(reader.GetOrdinal("created_at"))),
        StartedAt = reader.TimeOrNull(reader.GetOrdinal("started_at")),
        CompletedAt = reader.TimeOrNull(reader.GetOrdinal("completed_at")),
    };
}
