using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Granary.Journal.Sqlite;

/// <summary>The writer's statements on <c>granary_runs</c>.</summary>
internal sealed class RunTable(sqlite3 database) : IDisposable
{
    private readonly SqliteStatement _insert = new(database, """
        insert into granary_runs (key, id, workflow, workflow_version, version, status, waiting_on, owner, wake_at, recovery_attempts,
          created_at, started_at, completed_at, trace_parent, error, output_codec, output, input_codec, input, deadline)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
        """);

    private readonly SqliteStatement _change = new(database, """
        update granary_runs set status = ?2, waiting_on = ?3, owner = ?4, wake_at = ?5, recovery_attempts = recovery_attempts + ?6,
          started_at = coalesce(started_at, ?7), error = ?8, deadline = coalesce(?9, deadline)
        where key = ?1
        """);

    private readonly SqliteStatement _resume = new(database, """
        update granary_runs set status = ?2, waiting_on = ?3, owner = ?4, wake_at = ?5, recovery_attempts = ?6,
          started_at = coalesce(started_at, ?7), error = ?8, deadline = ?9, completed_at = null, output_codec = null, output = null
        where key = ?1
        """);

    private readonly SqliteStatement _end = new(database, """
        update granary_runs set status = ?2, waiting_on = ?3, owner = ?4, wake_at = ?5, recovery_attempts = recovery_attempts + ?6,
          started_at = coalesce(started_at, ?7), completed_at = ?8, error = ?9, output_codec = ?10, output = ?11
        where key = ?1
        """);

    private readonly SqliteStatement _keyOfId = new(database, "select key from granary_runs where id = ?1");

    /// <summary>Inserts a run; false when its id or its key is taken.</summary>
    public bool TryInsert(RunRow run)
    {
        _insert.Bind(1, run.Key);
        _insert.Bind(2, run.Id);
        _insert.Bind(3, run.Workflow);
        _insert.Bind(4, run.WorkflowVersion);
        _insert.Bind(5, run.Version);
        _insert.Bind(6, RunStatusText.Of(run.Status));
        _insert.Bind(7, run.WaitingOn);
        _insert.Bind(8, run.Owner);
        _insert.Bind(9, run.WakeAt);
        _insert.Bind(10, run.RecoveryAttempts);
        _insert.Bind(11, run.CreatedAt);
        _insert.Bind(12, run.StartedAt);
        _insert.Bind(13, run.CompletedAt);
        _insert.Bind(14, run.TraceParent);
        _insert.BindText(15, run.Error);
        _insert.Bind(16, run.Output?.Codec);
        _insert.Bind(17, run.Output?.Bytes);
        _insert.Bind(18, run.Input.Codec);
        _insert.Bind(19, run.Input.Bytes);
        _insert.Bind(20, run.Deadline);
        try
        {
            _insert.Run();
            return true;
        }
        catch (SqliteException e) when (SqliteErrors.IsDuplicate(e))
        {
            return false;
        }
    }

    /// <summary>Applies a change; false when the run isn't there.</summary>
    /// <param name="key">The run.</param>
    /// <param name="change">The change.</param>
    /// <param name="at">When the rows that carry it were committed.</param>
    public bool Apply(long key, RunChange change, DateTimeOffset at)
    {
        var statement = change.Result is not null ? _end : change.Resumes ? _resume : _change;
        statement.Bind(1, key);
        statement.Bind(2, RunStatusText.Of(change.Status));
        statement.Bind(3, change.WaitingOn);
        statement.Bind(4, change.Owner);
        statement.Bind(5, change.WakeAt);
        statement.Bind(6, change.RecoveryAttempts);
        statement.Bind(7, change.Starts ? at : (DateTimeOffset?)null);
        if (change.Result is { } result)
        {
            statement.Bind(8, at);
            statement.BindText(9, result.Error);
            statement.Bind(10, result.Output?.Codec);
            statement.Bind(11, result.Output?.Bytes);
        }
        else
        {
            statement.BindText(8, change.Error);
            statement.Bind(9, change.Deadline);
        }

        return statement.Run() == 1;
    }

    public bool HasId(string id)
    {
        _keyOfId.Bind(1, id);
        return _keyOfId.Number() is not null;
    }

    public void Dispose()
    {
        _insert.Dispose();
        _change.Dispose();
        _resume.Dispose();
        _end.Dispose();
        _keyOfId.Dispose();
    }
}
