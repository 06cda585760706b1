using Npgsql;
using NpgsqlTypes;
using static Granary.Journal.Postgres.Columns;

namespace Granary.Journal.Postgres;

/// <summary>
/// The writer's statements: whole columns as arrays, so that a batch of any size is the same few prepared statements.
/// Every wait for another writer is in one order (runs by key, new runs by id, rows by run and number), so that two
/// writers can't deadlock.
/// </summary>
internal sealed class WriterStatements(string schema)
{
    private readonly string _lock = $"select 1 from {schema}.runs where key = any($1) order by key for no key update";

    private readonly string _newRuns = $"""
        insert into {schema}.runs (key, id, workflow, workflow_version, version, status, waiting_on, owner, wake_at, recovery_attempts,
          created_at, started_at, completed_at, trace_parent, error, output_codec, output, input_codec, input, deadline)
        select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
        """;

    // The chain is checked by the insert itself: what doesn't follow the row it names divides by zero, and nothing of the
    // transaction is kept. A run's first row of all follows no row, not even one after it.
    private readonly string _rows = $"""
        insert into {schema}.journal (run_key, seq, epoch, append_id, kind, step_key, step_kind, name, attempt, due_at, started_at,
          committed_at, fingerprint, error, input_codec, input, output_codec, output)
        select u.run_key, u.seq, u.epoch,
          u.append_id / case
            when u.previous is null then 1
            when u.seq = 1 then case when (select min(j.seq) from {schema}.journal j where j.run_key = u.run_key) is null then 1 else 0 end
            when (select j.append_id from {schema}.journal j where j.run_key = u.run_key and j.seq = u.seq - 1) = u.previous then 1
            else 0 end,
          u.kind, u.step_key, u.step_kind, u.name, u.attempt, u.due_at, u.started_at, u.committed_at, u.fingerprint, u.error,
          u.input_codec, u.input, u.output_codec, u.output
        from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
          as u(run_key, seq, epoch, append_id, previous, kind, step_key, step_kind, name, attempt, due_at, started_at, committed_at,
            fingerprint, error, input_codec, input, output_codec, output)
        """;

    // A change whose run isn't there divides by zero as well.
    private readonly string _changes = $"""
        with changed as (
          update {schema}.runs r set status = u.status, waiting_on = u.waiting_on, owner = u.owner, wake_at = u.wake_at,
            recovery_attempts = case when u.resumes then 0 else r.recovery_attempts end + u.recovery_attempts,
            started_at = coalesce(r.started_at, u.started_at), error = u.error, deadline = case when u.resumes then u.deadline else coalesce(u.deadline, r.deadline) end,
            completed_at = case when u.resumes then u.completed_at else coalesce(u.completed_at, r.completed_at) end,
            output_codec = case when u.completed_at is null and not u.resumes then r.output_codec else u.output_codec end,
            output = case when u.completed_at is null and not u.resumes then r.output else u.output end
          from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) as u(key, status, waiting_on, owner, wake_at, recovery_attempts, started_at,
            error, completed_at, output_codec, output, deadline, resumes)
          where r.key = u.key
          returning 1)
        select 1 / case when (select count(*) from changed) = $14 then 1 else 0 end
        """;

    private readonly string _state = $"""
        select
          (select j.append_id from {schema}.journal j where j.run_key = u.run_key and j.seq = u.first),
          (select j.append_id from {schema}.journal j where j.run_key = u.run_key and j.seq = u.first - 1),
          (select min(j.seq) from {schema}.journal j where j.run_key = u.run_key),
          (select min(j.seq) from {schema}.journal j where j.run_key = u.run_key and j.seq between u.first and u.last),
          (select r.key from {schema}.runs r where r.key = u.run_key),
          (select r.key from {schema}.runs r where r.id = u.id)
        from unnest($1, $2, $3, $4) with ordinality as u(run_key, first, last, id, n)
        order by n
        """;

    private readonly SideStatements _sides = new(schema);

    /// <summary>One transaction and one round trip for all of them. The units are of different runs, in the order of their keys.</summary>
    public NpgsqlBatch Write(NpgsqlConnection connection, IReadOnlyList<AppendUnit> units)
    {
        var batch = new NpgsqlBatch(connection);
        var changes = units.Where(u => u.Changes.Count > 0).Select(u => new RunUpdate(u)).ToArray();
        var locked = units.Where(u => u.Changes.Count > 0 && u.NewRun is null).Select(u => u.RunKey).ToArray();
        if (locked.Length > 0)
        {
            var command = Add(batch, _lock);
            command.Add(NpgsqlDbType.Bigint, locked);
        }

        var runs = units.Where(u => u.NewRun is not null).Select(u => u.NewRun!).OrderBy(r => r.Id, StringComparer.Ordinal).ToArray();
        if (runs.Length > 0)
            AddRuns(Add(batch, _newRuns), runs);
        AddRows(Add(batch, _rows), units);
        if (changes.Length > 0)
            AddChanges(Add(batch, _changes), changes);
        _sides.AddTo(batch, units);
        return batch;
    }

    /// <summary>All that <see cref="Write"/> may consist of, of no unit.</summary>
    public NpgsqlBatch Nothing(NpgsqlConnection connection)
    {
        var batch = new NpgsqlBatch(connection);
        Add(batch, _lock).Add(NpgsqlDbType.Bigint, Array.Empty<long>());
        AddRuns(Add(batch, _newRuns), []);
        AddRows(Add(batch, _rows), []);
        AddChanges(Add(batch, _changes), []);
        return batch;
    }

    /// <summary>What stands where the units want to write: one row a unit, in their order.</summary>
    public NpgsqlBatch State(NpgsqlConnection connection, IReadOnlyList<AppendUnit> units)
    {
        var batch = new NpgsqlBatch(connection);
        var command = Add(batch, _state);
        command.Add(NpgsqlDbType.Bigint, Column(units, u => u.RunKey));
        command.Add(NpgsqlDbType.Bigint, Column(units, u => u.Rows[0].Seq));
        command.Add(NpgsqlDbType.Bigint, Column(units, u => u.Rows[^1].Seq));
        command.Add(NpgsqlDbType.Text, Column(units, u => u.NewRun?.Id));
        return batch;
    }

    private static void AddRuns(NpgsqlBatchCommand command, RunRow[] runs)
    {
        command.Add(NpgsqlDbType.Bigint, Column(runs, r => r.Key));
        command.Add(NpgsqlDbType.Text, Column(runs, r => r.Id));
        command.Add(NpgsqlDbType.Text, Column(runs, r => r.Workflow));
        command.Add(NpgsqlDbType.Integer, Column(runs, r => r.WorkflowVersion));
        command.Add(NpgsqlDbType.Text, Column(runs, r => r.Version));
        command.Add(NpgsqlDbType.Text, Column(runs, r => RunStatusText.Of(r.Status)));
        command.Add(NpgsqlDbType.Text, Column(runs, r => r.WaitingOn));
        command.Add(NpgsqlDbType.Text, Column(runs, r => r.Owner));
        command.Add(NpgsqlDbType.TimestampTz, Column(runs, r => r.WakeAt?.UtcDateTime));
        command.Add(NpgsqlDbType.Integer, Column(runs, r => r.RecoveryAttempts));
        command.Add(NpgsqlDbType.TimestampTz, Column(runs, r => r.CreatedAt.UtcDateTime));
        command.Add(NpgsqlDbType.TimestampTz, Column(runs, r => r.StartedAt?.UtcDateTime));
        command.Add(NpgsqlDbType.TimestampTz, Column(runs, r => r.CompletedAt?.UtcDateTime));
        command.Add(NpgsqlDbType.Text, Column(runs, r => r.TraceParent));
        command.Add(NpgsqlDbType.Text, Column(runs, r => UnitText.Decode(r.Error)));
        command.Add(NpgsqlDbType.Text, Column(runs, r => r.Output?.Codec));
        command.Add(NpgsqlDbType.Bytea, Column(runs, r => r.Output?.Bytes));
        command.Add(NpgsqlDbType.Text, Column(runs, r => r.Input.Codec));
        command.Add(NpgsqlDbType.Bytea, Column(runs, r => r.Input.Bytes));
        command.Add(NpgsqlDbType.TimestampTz, Column(runs, r => r.Deadline?.UtcDateTime));
    }

    private static void AddRows(NpgsqlBatchCommand command, IReadOnlyList<AppendUnit> units)
    {
        var keys = new List<long>();
        var previous = new List<long?>();
        var rows = new List<JournalRow>();
        foreach (var unit in units)
        {
            for (var i = 0; i < unit.Rows.Count; i++)
            {
                keys.Add(unit.RunKey);
                previous.Add(i == 0 ? unit.PreviousAppendId : null);
                rows.Add(unit.Rows[i]);
            }
        }

        command.Add(NpgsqlDbType.Bigint, keys.ToArray());
        command.Add(NpgsqlDbType.Bigint, Column(rows, r => r.Seq));
        command.Add(NpgsqlDbType.Integer, Column(rows, r => r.Epoch));
        command.Add(NpgsqlDbType.Bigint, Column(rows, r => r.AppendId));
        command.Add(NpgsqlDbType.Bigint, previous.ToArray());
        command.Add(NpgsqlDbType.Text, Column(rows, r => r.Kind));
        command.Add(NpgsqlDbType.Text, Column(rows, r => r.StepKey));
        command.Add(NpgsqlDbType.Text, Column(rows, r => r.StepKind));
        command.Add(NpgsqlDbType.Text, Column(rows, r => r.Name));
        command.Add(NpgsqlDbType.Integer, Column(rows, r => r.Attempt));
        command.Add(NpgsqlDbType.TimestampTz, Column(rows, r => r.DueAt?.UtcDateTime));
        command.Add(NpgsqlDbType.TimestampTz, Column(rows, r => r.StartedAt?.UtcDateTime));
        command.Add(NpgsqlDbType.TimestampTz, Column(rows, r => r.CommittedAt.UtcDateTime));
        command.Add(NpgsqlDbType.Bytea, Column(rows, r => r.Fingerprint));
        command.Add(NpgsqlDbType.Text, Column(rows, r => UnitText.Decode(r.Error)));
        command.Add(NpgsqlDbType.Text, Column(rows, r => r.Input?.Codec));
        command.Add(NpgsqlDbType.Bytea, Column(rows, r => r.Input?.Bytes));
        command.Add(NpgsqlDbType.Text, Column(rows, r => r.Output?.Codec));
        command.Add(NpgsqlDbType.Bytea, Column(rows, r => r.Output?.Bytes));
    }

    private static void AddChanges(NpgsqlBatchCommand command, RunUpdate[] changes)
    {
        command.Add(NpgsqlDbType.Bigint, Column(changes, c => c.Key));
        command.Add(NpgsqlDbType.Text, Column(changes, c => RunStatusText.Of(c.Last.Status)));
        command.Add(NpgsqlDbType.Text, Column(changes, c => c.Last.WaitingOn));
        command.Add(NpgsqlDbType.Text, Column(changes, c => c.Last.Owner));
        command.Add(NpgsqlDbType.TimestampTz, Column(changes, c => c.Last.WakeAt?.UtcDateTime));
        command.Add(NpgsqlDbType.Integer, Column(changes, c => c.RecoveryAttempts));
        command.Add(NpgsqlDbType.TimestampTz, Column(changes, c => c.StartedAt));
        command.Add(NpgsqlDbType.Text, Column(changes, c => UnitText.Decode(c.Last.Result is null ? c.Last.Error : c.Last.Result.Error)));
        command.Add(NpgsqlDbType.TimestampTz, Column(changes, c => c.Result is null ? (DateTime?)null : c.At));
        command.Add(NpgsqlDbType.Text, Column(changes, c => c.Result?.Output?.Codec));
        command.Add(NpgsqlDbType.Bytea, Column(changes, c => c.Result?.Output?.Bytes));
        command.Add(NpgsqlDbType.TimestampTz, Column(changes, c => c.Deadline));
        command.Add(NpgsqlDbType.Boolean, Column(changes, c => c.Resumes));
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = changes.Length });
    }

    /// <summary>A unit's changes as one: what the last says, and what they add up to.</summary>
    private readonly struct RunUpdate(AppendUnit unit)
    {
        public long Key => unit.RunKey;

        public RunChange Last => unit.Changes[^1];

        public int RecoveryAttempts => unit.Changes.Sum(c => c.RecoveryAttempts);

        public DateTime At => unit.Rows[^1].CommittedAt.UtcDateTime;

        public DateTime? StartedAt => unit.Changes.Any(c => c.Starts) ? At : null;

        public DateTime? Deadline => unit.Changes.LastOrDefault(c => c.Deadline is not null)?.Deadline?.UtcDateTime;

        public bool Resumes => unit.Changes.Any(c => c.Resumes);

        public RunResult? Result => unit.Changes.LastOrDefault(c => c.Result is not null)?.Result;
    }
}
