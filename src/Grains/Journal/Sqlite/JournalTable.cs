using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Granary.Journal.Sqlite;

/// <summary>The writer's statements on <c>granary_journal</c>: the chain is checked by the very insert.</summary>
internal sealed class JournalTable(sqlite3 database) : IDisposable
{
    private const string Insert = """
        insert into granary_journal (run_key, seq, epoch, append_id, kind, step_key, step_kind, name, attempt, due_at, started_at,
          committed_at, fingerprint, error, input_codec, input, output_codec, output)
        select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18
        """;

    // A run's first row of all: not even one after it may be there, or a key that was freed could be written under again.
    private readonly SqliteStatement _first = new(database, $"""
        {Insert}
        where (select min(seq) from granary_journal where run_key = ?1) is null
        """);

    private readonly SqliteStatement _linked = new(database, $"""
        {Insert}
        where (select append_id from granary_journal where run_key = ?1 and seq = ?2 - 1) = ?19
        """);

    private readonly SqliteStatement _next = new(database, Insert);

    private readonly SqliteStatement _appendId = new(database, "select append_id from granary_journal where run_key = ?1 and seq = ?2");

    /// <summary>Inserts a unit's rows; false, and perhaps some of them inserted, when the chain refuses them.</summary>
    public bool TryInsert(AppendUnit unit)
    {
        try
        {
            for (var i = 0; i < unit.Rows.Count; i++)
            {
                var row = unit.Rows[i];
                if (row.Seq != unit.PreviousSeq + 1 + i)
                    throw new ArgumentException($"Row {i} of a unit after {unit.PreviousSeq} has the number {row.Seq}.");
                var statement = i > 0 ? _next : unit.PreviousSeq == 0 ? _first : _linked;
                Bind(statement, unit.RunKey, row);
                if (statement == _linked)
                    statement.Bind(19, unit.PreviousAppendId);
                if (statement.Run() == 0)
                    return false;
            }

            return true;
        }
        catch (SqliteException e) when (SqliteErrors.IsDuplicate(e))
        {
            return false;
        }
    }

    /// <summary>Whether a unit was committed by an earlier try, whose answer was lost.</summary>
    public bool Has(AppendUnit unit)
    {
        _appendId.Bind(1, unit.RunKey);
        _appendId.Bind(2, unit.Rows[0].Seq);
        return _appendId.Number() == unit.Rows[0].AppendId;
    }

    public void Dispose()
    {
        _first.Dispose();
        _linked.Dispose();
        _next.Dispose();
        _appendId.Dispose();
    }

    private static void Bind(SqliteStatement statement, long runKey, JournalRow row)
    {
        statement.Bind(1, runKey);
        statement.Bind(2, row.Seq);
        statement.Bind(3, row.Epoch);
        statement.Bind(4, row.AppendId);
        statement.Bind(5, row.Kind);
        statement.Bind(6, row.StepKey);
        statement.Bind(7, row.StepKind);
        statement.Bind(8, row.Name);
        statement.Bind(9, row.Attempt);
        statement.Bind(10, row.DueAt);
        statement.Bind(11, row.StartedAt);
        statement.Bind(12, row.CommittedAt);
        statement.Bind(13, row.Fingerprint);
        statement.BindText(14, row.Error);
        statement.Bind(15, row.Input?.Codec);
        statement.Bind(16, row.Input?.Bytes);
        statement.Bind(17, row.Output?.Codec);
        statement.Bind(18, row.Output?.Bytes);
    }
}
