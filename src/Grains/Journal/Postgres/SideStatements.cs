using Npgsql;
using NpgsqlTypes;
using static Granary.Journal.Postgres.Columns;

namespace Granary.Journal.Postgres;

/// <summary>
/// The writer's statements on the tables beside the journal: one a kind, and only where a batch has some. They come after
/// the rows, in the order of the runs' keys, so two writers meet at the journal first.
/// </summary>
internal sealed class SideStatements(string schema)
{
    private readonly string _signals = $"""
        insert into {schema}.signals (run_id, key, run_key, seq, topic, accepted_at)
        select * from unnest($1, $2, $3, $4, $5, $6)
        on conflict do nothing
        """;

    private readonly string _events = $"""
        insert into {schema}.events (run_id, name, run_key, seq, step_key, value_codec, value, set_at)
        select * from unnest($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict do nothing
        """;

    private readonly string _approvals = $"""
        insert into {schema}.approvals (id, run_id, run_key, workflow, step_key, question, arguments_codec, arguments, arguments_hash, deciders,
          allows_edits, asked_at, expires_at)
        select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        on conflict do nothing
        """;

    private readonly string _closed = $"""
        update {schema}.approvals a set decision = u.decision, decided_by = u.decided_by, comment = u.comment, edited_codec = u.edited_codec,
          edited = u.edited, decided_at = u.decided_at
        from unnest($1, $2, $3, $4, $5, $6, $7) as u(id, decision, decided_by, comment, edited_codec, edited, decided_at)
        where a.id = u.id and a.decision is null
        """;

    /// <summary>Adds what the units write beside their rows.</summary>
    public void AddTo(NpgsqlBatch batch, IReadOnlyList<AppendUnit> units)
    {
        List<Side<SignalKeyRow>>? signals = null;
        List<Side<EventRow>>? events = null;
        List<Side<ApprovalRow>>? approvals = null;
        List<Side<ApprovalClosedRow>>? closed = null;
        for (var i = 0; i < units.Count; i++)
        {
            var unit = units[i];
            for (var j = 0; j < unit.Sides.Count; j++)
            {
                var side = unit.Sides[j];
                switch (side.Row)
                {
                    case SignalKeyRow row:
                        (signals ??= []).Add(new(unit.RunKey, row, side));
                        break;
                    case EventRow row:
                        (events ??= []).Add(new(unit.RunKey, row, side));
                        break;
                    case ApprovalRow row:
                        (approvals ??= []).Add(new(unit.RunKey, row, side));
                        break;
                    case ApprovalClosedRow row:
                        (closed ??= []).Add(new(unit.RunKey, row, side));
                        break;
                    default:
                        throw new ArgumentException($"There is no table for {side.Row.GetType().Name}.");
                }
            }
        }

        if (signals is not null)
            AddSignals(Add(batch, _signals), signals);
        if (events is not null)
            AddEvents(Add(batch, _events), events);
        if (approvals is not null)
            AddApprovals(Add(batch, _approvals), approvals);

        // An update takes any of two rows for one: the first decides.
        if (closed is not null)
            AddClosed(Add(batch, _closed), [.. closed.DistinctBy(c => c.Row.Id)]);
    }

    private static void AddSignals(NpgsqlBatchCommand command, List<Side<SignalKeyRow>> signals)
    {
        command.Add(NpgsqlDbType.Text, Column(signals, s => s.Row.RunId));
        command.Add(NpgsqlDbType.Text, Column(signals, s => s.Row.Key));
        command.Add(NpgsqlDbType.Bigint, Column(signals, s => s.RunKey));
        command.Add(NpgsqlDbType.Bigint, Column(signals, s => s.Seq));
        command.Add(NpgsqlDbType.Text, Column(signals, s => s.Row.Topic));
        command.Add(NpgsqlDbType.TimestampTz, Column(signals, s => s.At));
    }

    private static void AddEvents(NpgsqlBatchCommand command, List<Side<EventRow>> events)
    {
        command.Add(NpgsqlDbType.Text, Column(events, e => e.Row.RunId));
        command.Add(NpgsqlDbType.Text, Column(events, e => e.Row.Name));
        command.Add(NpgsqlDbType.Bigint, Column(events, e => e.RunKey));
        command.Add(NpgsqlDbType.Bigint, Column(events, e => e.Seq));
        command.Add(NpgsqlDbType.Text, Column(events, e => e.Row.StepKey));
        command.Add(NpgsqlDbType.Text, Column(events, e => e.Row.Value.Codec));
        command.Add(NpgsqlDbType.Bytea, Column(events, e => e.Row.Value.Bytes));
        command.Add(NpgsqlDbType.TimestampTz, Column(events, e => e.At));
    }

    private static void AddApprovals(NpgsqlBatchCommand command, List<Side<ApprovalRow>> approvals)
    {
        command.Add(NpgsqlDbType.Text, Column(approvals, a => a.Row.Id));
        command.Add(NpgsqlDbType.Text, Column(approvals, a => a.Row.RunId));
        command.Add(NpgsqlDbType.Bigint, Column(approvals, a => a.RunKey));
        command.Add(NpgsqlDbType.Text, Column(approvals, a => a.Row.Workflow));
        command.Add(NpgsqlDbType.Text, Column(approvals, a => a.Row.StepKey));
        command.Add(NpgsqlDbType.Text, Column(approvals, a => a.Row.Question));
        command.Add(NpgsqlDbType.Text, Column(approvals, a => a.Row.Arguments?.Codec));
        command.Add(NpgsqlDbType.Bytea, Column(approvals, a => a.Row.Arguments?.Bytes));
        command.Add(NpgsqlDbType.Bytea, Column(approvals, a => a.Row.Hash));
        command.Add(NpgsqlDbType.Text, Column(approvals, a => a.Row.Deciders));
        command.Add(NpgsqlDbType.Boolean, Column(approvals, a => a.Row.AllowsEdits));
        command.Add(NpgsqlDbType.TimestampTz, Column(approvals, a => a.At));
        command.Add(NpgsqlDbType.TimestampTz, Column(approvals, a => a.Row.ExpiresAt?.UtcDateTime));
    }

    private static void AddClosed(NpgsqlBatchCommand command, List<Side<ApprovalClosedRow>> closed)
    {
        command.Add(NpgsqlDbType.Text, Column(closed, c => c.Row.Id));
        command.Add(NpgsqlDbType.Text, Column(closed, c => c.Row.Decision));
        command.Add(NpgsqlDbType.Text, Column(closed, c => c.Row.By));
        command.Add(NpgsqlDbType.Text, Column(closed, c => c.Row.Comment));
        command.Add(NpgsqlDbType.Text, Column(closed, c => c.Row.EditedArguments?.Codec));
        command.Add(NpgsqlDbType.Bytea, Column(closed, c => c.Row.EditedArguments?.Bytes));
        command.Add(NpgsqlDbType.TimestampTz, Column(closed, c => c.At));
    }

    private readonly struct Side<T>(long runKey, T row, UnitSide side)
    {
        public long RunKey => runKey;

        public T Row => row;

        public long Seq => side.Seq;

        public DateTime At => side.At.UtcDateTime;
    }
}
