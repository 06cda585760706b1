using SQLitePCL;

namespace Granary.Journal.Sqlite;

/// <summary>The writer's statements on the tables beside the journal. The chain has been checked when they run.</summary>
internal sealed class SideTables(sqlite3 database) : IDisposable
{
    private readonly SqliteStatement _signal = new(database, """
        insert into granary_signals (run_id, key, run_key, seq, topic, accepted_at) values (?1, ?2, ?3, ?4, ?5, ?6)
        on conflict do nothing
        """);

    private readonly SqliteStatement _event = new(database, """
        insert into granary_events (run_id, name, run_key, seq, step_key, value_codec, value, set_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        on conflict do nothing
        """);

    private readonly SqliteStatement _approval = new(database, """
        insert into granary_approvals (id, run_id, run_key, workflow, step_key, question, arguments_codec, arguments, arguments_hash, deciders,
          allows_edits, asked_at, expires_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        on conflict do nothing
        """);

    private readonly SqliteStatement _close = new(database, """
        update granary_approvals set decision = ?2, decided_by = ?3, comment = ?4, edited_codec = ?5, edited = ?6, decided_at = ?7
        where id = ?1 and decision is null
        """);

    /// <summary>Writes a side row of a unit. One that is there already stays as it is.</summary>
    public void Write(long runKey, in UnitSide side)
    {
        switch (side.Row)
        {
            case SignalKeyRow signal:
                Write(runKey, side, signal);
                break;
            case EventRow value:
                Write(runKey, side, value);
                break;
            case ApprovalRow approval:
                Write(runKey, side, approval);
                break;
            case ApprovalClosedRow closed:
                Write(side, closed);
                break;
            default:
                throw new ArgumentException($"There is no table for {side.Row.GetType().Name}.");
        }
    }

    public void Dispose()
    {
        _signal.Dispose();
        _event.Dispose();
        _approval.Dispose();
        _close.Dispose();
    }

    private void Write(long runKey, in UnitSide side, SignalKeyRow signal)
    {
        _signal.Bind(1, signal.RunId);
        _signal.Bind(2, signal.Key);
        _signal.Bind(3, runKey);
        _signal.Bind(4, side.Seq);
        _signal.Bind(5, signal.Topic);
        _signal.Bind(6, side.At);
        _signal.Run();
    }

    private void Write(long runKey, in UnitSide side, EventRow value)
    {
        _event.Bind(1, value.RunId);
        _event.Bind(2, value.Name);
        _event.Bind(3, runKey);
        _event.Bind(4, side.Seq);
        _event.Bind(5, value.StepKey);
        _event.Bind(6, value.Value.Codec);
        _event.Bind(7, value.Value.Bytes);
        _event.Bind(8, side.At);
        _event.Run();
    }

    private void Write(long runKey, in UnitSide side, ApprovalRow approval)
    {
        _approval.Bind(1, approval.Id);
        _approval.Bind(2, approval.RunId);
        _approval.Bind(3, runKey);
        _approval.Bind(4, approval.Workflow);
        _approval.Bind(5, approval.StepKey);
        _approval.Bind(6, approval.Question);
        _approval.Bind(7, approval.Arguments?.Codec);
        _approval.Bind(8, approval.Arguments?.Bytes);
        _approval.Bind(9, approval.Hash);
        _approval.Bind(10, approval.Deciders);
        _approval.Bind(11, approval.AllowsEdits ? 1 : 0);
        _approval.Bind(12, side.At);
        _approval.Bind(13, approval.ExpiresAt);
        _approval.Run();
    }

    private void Write(in UnitSide side, ApprovalClosedRow closed)
    {
        _close.Bind(1, closed.Id);
        _close.Bind(2, closed.Decision);
        _close.Bind(3, closed.By);
        _close.Bind(4, closed.Comment);
        _close.Bind(5, closed.EditedArguments?.Codec);
        _close.Bind(6, closed.EditedArguments?.Bytes);
        _close.Bind(7, side.At);
        _close.Run();
    }
}
