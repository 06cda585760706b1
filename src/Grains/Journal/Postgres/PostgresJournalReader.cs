using System.Runtime.CompilerServices;
using Npgsql;

namespace Granary.Journal.Postgres;

/// <summary>Reads on pooled connections of their own, beside the writer.</summary>
internal sealed class PostgresJournalReader(PostgresConnections connections)
{
    private const int PageRows = 1_000;
    private const int WarmRows = 50;
    private const int PageBytes = 4 * 1024 * 1024;

    private const string Approval = """
        a.id, a.run_id, a.workflow, a.step_key, a.question, a.arguments_codec, a.arguments, a.arguments_hash, a.deciders, a.allows_edits,
          a.asked_at, a.expires_at, a.decision, a.decided_by, a.comment, a.edited_codec, a.edited, a.decided_at
        """;

    private readonly string _schema = connections.Schema;

    public async Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        (await ReadAsync("select clock_timestamp()", [], reader => reader.Time(0), cancellationToken).ConfigureAwait(false))[0];

    public async Task<RunRow?> FindRunAsync(string id, CancellationToken cancellationToken)
    {
        var rows = await ReadAsync(
            $"""
            select key, id, workflow, workflow_version, version, status, waiting_on, owner, wake_at, recovery_attempts, error, trace_parent,
              created_at, started_at, completed_at, input_codec, input, output_codec, output, deadline
            from {_schema}.runs where id = $1
            """,
            [new NpgsqlParameter<string> { TypedValue = id }], ReadRun, cancellationToken).ConfigureAwait(false);
        return rows.Count == 0 ? null : rows[0];
    }

    public async Task<JournalHead?> ReadHeadAsync(long runKey, CancellationToken cancellationToken)
    {
        var rows = await ReadAsync(
            $"select seq, append_id, epoch, kind, committed_at from {_schema}.journal where run_key = $1 order by seq desc limit 1",
            [Of(runKey)],
            reader => new JournalHead(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt32(2), reader.GetString(3), reader.Time(4)),
            cancellationToken).ConfigureAwait(false);
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>Pages end where their payloads get too many: what the server has begun to send must be read to its end.</summary>
    public async IAsyncEnumerable<IReadOnlyList<JournalRow>> ReadPagesAsync(
        long runKey, long from, long to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (from <= to)
        {
            var page = await ReadAsync(
                $"""
                select seq, epoch, append_id, kind, step_key, step_kind, name, attempt, due_at, started_at, committed_at, fingerprint, error,
                  input_codec, input, output_codec, output
                from (
                  select *, sum(coalesce(octet_length(input), 0) + coalesce(octet_length(output), 0) + coalesce(octet_length(error), 0) + 200)
                    over (order by seq rows between unbounded preceding and 1 preceding) as before
                  from (select * from {_schema}.journal where run_key = $1 and seq between $2 and $3 order by seq limit {PageRows}) as page) as sized
                where coalesce(before, 0) < {PageBytes}
                order by seq
                """,
                [Of(runKey), Of(from), Of(to)], ReadRow, cancellationToken).ConfigureAwait(false);
            if (page.Count == 0)
                yield break;
            yield return page;
            from = page[^1].Seq + 1;
        }
    }

    public IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindOrphansAsync(string? incarnation, CancellationToken cancellationToken) => ReadOrphansAsync(
        $"""
        (select id, workflow, status, waiting_on, owner, key from {_schema}.runs
        where key > $1 and owner is not null and owner <> $2 and status in ('running', 'waiting') order by key limit {PageRows})
        union all
        (select id, workflow, status, waiting_on, owner, key from {_schema}.runs
        where key > $1 and owner is null and wake_at is null and (status = 'running' or waiting_on = 'version') order by key limit {PageRows})
        order by key limit {PageRows}
        """,
        () => [new NpgsqlParameter<string?> { TypedValue = incarnation, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text }],
        cancellationToken);

    public IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindLackingAsync(
        string errorCode, IReadOnlyCollection<(string Name, int Version)> workflows, CancellationToken cancellationToken) => ReadOrphansAsync(
        $"""
        select id, workflow, status, waiting_on, owner, key from {_schema}.runs
        where key > $1 and owner is null and wake_at is null and (status = 'running' or waiting_on = 'version')
        and waiting_on = 'version' and strpos(error, $2) > 0 and (workflow, workflow_version) in (select * from unnest($3, $4))
        order by key limit {PageRows}
        """,
        () =>
        [
            new NpgsqlParameter<string> { TypedValue = $"\"code\":\"{errorCode}\"" },
            new NpgsqlParameter<string[]> { TypedValue = [.. workflows.Select(w => w.Name)] },
            new NpgsqlParameter<int[]> { TypedValue = [.. workflows.Select(w => w.Version)] },
        ],
        cancellationToken);

    private async IAsyncEnumerable<IReadOnlyList<OrphanedRun>> ReadOrphansAsync(
        string sql, Func<NpgsqlParameter[]> parameters, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var after = long.MinValue; ;)
        {
            var page = await ReadAsync(
                sql,
                [Of(after), .. parameters()],
                reader => (
                    Run: new OrphanedRun(reader.GetString(0), reader.GetString(1), RunStatusText.Parse(reader.GetString(2)), reader.TextOrNull(3), reader.TextOrNull(4)),
                    Key: reader.GetInt64(5)),
                cancellationToken).ConfigureAwait(false);
            if (page.Count == 0)
                yield break;
            yield return page.ConvertAll(row => row.Run);
            after = page[^1].Key;
        }
    }

    public async Task<IReadOnlyList<string>> FindOwnedAsync(string incarnation, CancellationToken cancellationToken) => await ReadAsync(
        $"select id from {_schema}.runs where owner is not null and owner = $1 and status not in ('succeeded', 'failed', 'cancelled', 'poisoned') order by key",
        [new NpgsqlParameter<string> { TypedValue = incarnation }], reader => reader.GetString(0), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<DueRun>> FindDueAsync(RunShard shard, DateTimeOffset until, int limit, CancellationToken cancellationToken) => await ReadAsync(
        $"select id, wake_at from {_schema}.runs where wake_at is not null and wake_at <= $1 and owner is null and key & $2 = $3 order by wake_at limit $4",
        [new NpgsqlParameter<DateTime> { TypedValue = until.UtcDateTime }, Of(shard.Mask), Of(shard.Index), Of(limit)],
        reader => new DueRun(reader.GetString(0), reader.Time(1)), cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<string>> FindOwnersAsync(CancellationToken cancellationToken) => await ReadAsync(
        $"select distinct owner from {_schema}.runs where owner is not null", [], reader => reader.GetString(0), cancellationToken).ConfigureAwait(false);

    public IAsyncEnumerable<IReadOnlyList<string>> FindOwnedAsync(string owner, RunShard shard, CancellationToken cancellationToken) =>
        ReadIdsAsync("owner is not null and owner = $4", shard, owner, cancellationToken);

    public IAsyncEnumerable<IReadOnlyList<string>> FindStrandedAsync(RunShard shard, CancellationToken cancellationToken) =>
        ReadIdsAsync("owner is null and wake_at is null and (status = 'running' or waiting_on = 'version') and status = 'running'", shard, null, cancellationToken);

    public async Task<bool> HasSignalAsync(string runId, string key, CancellationToken cancellationToken) => (await ReadAsync(
        $"select 1 from {_schema}.signals where run_id = $1 and key = $2", [Of(runId), Of(key)], reader => reader.GetInt32(0), cancellationToken)
        .ConfigureAwait(false)).Count > 0;

    public async Task<StoredEvent?> FindEventAsync(string runId, string name, CancellationToken cancellationToken)
    {
        var newest = await ReadEventsAsync("order by run_key desc, seq desc", runId, name, 0, 1, cancellationToken).ConfigureAwait(false);
        return newest.Count == 0 ? null : newest[0];
    }

    public async Task<IReadOnlyList<StoredEvent>> ReadEventsAsync(string runId, string name, long after, int limit, CancellationToken cancellationToken) =>
        await ReadEventsAsync("order by seq", runId, name, after, limit, cancellationToken).ConfigureAwait(false);

    public async Task<StoredApproval?> FindApprovalAsync(string id, CancellationToken cancellationToken)
    {
        var found = await ReadAsync($"select {Approval} from {_schema}.approvals a where id = $1", [Of(id)], ReadApproval, cancellationToken)
            .ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }

    public async Task<IReadOnlyList<StoredApproval>> ListApprovalsAsync(
        string? runId, string? workflow, (DateTimeOffset AskedAt, string Id)? after, int limit, CancellationToken cancellationToken)
    {
        List<NpgsqlParameter> parameters = [Of(limit)];
        string Add(NpgsqlParameter parameter)
        {
            parameters.Add(parameter);
            return $"${parameters.Count}";
        }

        var only = "";
        if (runId is not null)
            only += $" and a.run_id = {Add(Of(runId))}";
        if (workflow is not null)
            only += $" and a.workflow = {Add(Of(workflow))}";
        if (after is var (at, id))
            only += $" and (a.asked_at, a.id) > ({Add(new NpgsqlParameter<DateTime> { TypedValue = at.UtcDateTime })}, {Add(Of(id))})";
        return await ReadAsync(
            $"""
            select {Approval} from {_schema}.approvals a join {_schema}.runs r on r.key = a.run_key
            where a.decision is null and r.status not in ('succeeded', 'failed', 'cancelled', 'poisoned'){only}
            order by a.asked_at, a.id limit $1
            """,
            parameters, ReadApproval, cancellationToken).ConfigureAwait(false);
    }

    private Task<List<StoredEvent>> ReadEventsAsync(
        string order, string runId, string name, long after, int limit, CancellationToken cancellationToken) => ReadAsync(
        $"select seq, step_key, value_codec, value, set_at from {_schema}.events where run_id = $1 and name = $2 and seq > $3 {order} limit $4",
        [Of(runId), Of(name), Of(after), Of(limit)],
        reader => new StoredEvent(reader.GetInt64(0), reader.GetString(1), reader.PayloadOrNull(2)!, reader.Time(4)), cancellationToken);

    private async IAsyncEnumerable<IReadOnlyList<string>> ReadIdsAsync(
        string condition, RunShard shard, string? owner, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var after = long.MinValue; ;)
        {
            List<NpgsqlParameter> parameters = [Of(after), Of(shard.Mask), Of(shard.Index)];
            if (owner is not null)
                parameters.Add(new NpgsqlParameter<string> { TypedValue = owner });
            var page = await ReadAsync(
                $"select id, key from {_schema}.runs where key > $1 and {condition} and key & $2 = $3 order by key limit {PageRows}",
                parameters, reader => (Id: reader.GetString(0), Key: reader.GetInt64(1)), cancellationToken).ConfigureAwait(false);
            if (page.Count == 0)
                yield break;
            yield return page.ConvertAll(row => row.Id);
            after = page[^1].Key;
        }
    }

    /// <summary>Reads as a take-up does, of some run that is owned; where there is none nothing is to be taken up.</summary>
    public async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        try
        {
            var owners = await FindOwnersAsync(cancellationToken).ConfigureAwait(false);
            if (owners.Count == 0)
                return;
            await foreach (var page in FindOwnedAsync(owners[0], RunShard.All, cancellationToken).ConfigureAwait(false))
            {
                await Task.WhenAll(page.Take(PostgresConnections.MaxReaders).Select(ReadOneAsync)).ConfigureAwait(false);
                return;
            }
        }
        catch (Exception e) when (e is StoreUnavailableException or ObjectDisposedException or OperationCanceledException)
        {
        }

        async Task ReadOneAsync(string id)
        {
            if (await FindRunAsync(id, cancellationToken).ConfigureAwait(false) is not { } run)
                return;
            await ReadHeadAsync(run.Key, cancellationToken).ConfigureAwait(false);
            await foreach (var _ in ReadPagesAsync(run.Key, 1, WarmRows, cancellationToken).ConfigureAwait(false))
                return;
        }
    }

    private async Task<List<T>> ReadAsync<T>(
        string sql, IEnumerable<NpgsqlParameter> parameters, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = connections.Reader.CreateCommand(sql);
            foreach (var parameter in parameters)
                command.Parameters.Add(parameter);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            var rows = new List<T>();
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                rows.Add(read(reader));
            return rows;
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or System.Net.Sockets.SocketException)
        {
            throw PostgresErrors.Unavailable(connections.Description, e);
        }
    }

    private static NpgsqlParameter<long> Of(long value) => new() { TypedValue = value };

    private static NpgsqlParameter<string> Of(string value) => new() { TypedValue = value };

    private static StoredApproval ReadApproval(NpgsqlDataReader reader)
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
        return new StoredApproval(asked, reader.Time(10), closed, reader.TimeOrNull(17));
    }

    private static JournalRow ReadRow(NpgsqlDataReader reader) => new()
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
        CommittedAt = reader.Time(10),
        Fingerprint = reader.BytesOrNull(11),
        Error = reader.Utf8OrNull(12),
        Input = reader.PayloadOrNull(13),
        Output = reader.PayloadOrNull(15),
    };

    private static RunRow ReadRun(NpgsqlDataReader reader) => new()
    {
        Key = reader.GetInt64(0),
        Id = reader.GetString(1),
        Workflow = reader.GetString(2),
        WorkflowVersion = reader.GetInt32(3),
        Version = reader.GetString(4),
        Status = RunStatusText.Parse(reader.GetString(5)),
        WaitingOn = reader.TextOrNull(6),
        Owner = reader.TextOrNull(7),
        WakeAt = reader.TimeOrNull(8),
        RecoveryAttempts = reader.GetInt32(9),
        Error = reader.Utf8OrNull(10),
        TraceParent = reader.TextOrNull(11),
        CreatedAt = reader.Time(12),
        StartedAt = reader.TimeOrNull(13),
        CompletedAt = reader.TimeOrNull(14),
        Input = reader.PayloadOrNull(15)!,
        Output = reader.PayloadOrNull(17),
        Deadline = reader.TimeOrNull(19),
    };
}
