using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Granary.Journal.Sqlite;

/// <summary>
/// Writes batches: one immediate transaction each. Where a unit is refused, the batch is written again with a savepoint a
/// unit, so that the refused one leaves the others.
/// </summary>
internal sealed class SqliteBatchWriter : IDisposable
{
    private readonly sqlite3 _database;
    private readonly long _epoch;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;
    private readonly SqliteStatement _rollBack;
    private readonly SqliteStatement _savepoint;
    private readonly SqliteStatement _release;
    private readonly SqliteStatement _rollBackUnit;
    private readonly SqliteStatement _currentEpoch;
    private readonly RunTable _runs;
    private readonly JournalTable _journal;
    private readonly SideTables _sides;

    /// <param name="database">The writer's own connection.</param>
    /// <param name="epoch">This process's epoch: while another stands in the database, nothing is written.</param>
    public SqliteBatchWriter(sqlite3 database, long epoch)
    {
        _database = database;
        _epoch = epoch;

        // Deferred, it could fail at its first write although nobody holds a lock.
        _begin = new(database, "begin immediate");
        _commit = new(database, "commit");
        _rollBack = new(database, "rollback");
        _savepoint = new(database, "savepoint unit");
        _release = new(database, "release unit");
        _rollBackUnit = new(database, "rollback to unit");
        _currentEpoch = new(database, "select epoch from granary_process where id = 1");
        _runs = new(database);
        _journal = new(database);
        _sides = new(database);
    }

    /// <summary>Writes a batch; null when another process has taken the file over, and then nothing is written.</summary>
    /// <exception cref="SqliteException">Nothing was kept, or the answer to the commit was lost.</exception>
    public UnitOutcome[]? Write(IReadOnlyList<AppendUnit> batch) =>
        TryWrite(batch, WriteTogether, out var outcomes) || TryWrite(batch, WriteEach, out outcomes) ? outcomes : null;

    public void Dispose()
    {
        foreach (var statement in new[] { _begin, _commit, _rollBack, _savepoint, _release, _rollBackUnit, _currentEpoch })
            statement.Dispose();
        _runs.Dispose();
        _journal.Dispose();
        _sides.Dispose();
    }

    /// <summary>One transaction; false when nothing of it was kept. The outcomes are null when another process has the file.</summary>
    private bool TryWrite(IReadOnlyList<AppendUnit> batch, Func<IReadOnlyList<AppendUnit>, UnitOutcome[]?> write, out UnitOutcome[]? outcomes)
    {
        _begin.Run();
        try
        {
            outcomes = null;
            var isOurs = _currentEpoch.Number() == _epoch;
            if (!isOurs || (outcomes = write(batch)) is null)
            {
                RollBack();
                return !isOurs;
            }

            _commit.Run();
            return true;
        }
        catch
        {
            RollBack();
            throw;
        }
    }

    private void RollBack()
    {
        // Some errors have rolled back already.
        if (raw.sqlite3_get_autocommit(_database) == 0)
            _rollBack.Run();
    }

    /// <summary>
    /// All units, or null when one of them is refused. The usual case, without savepoints: each of those keeps a copy of every
    /// page that its unit changes, which costs more than the rows.
    /// </summary>
    private UnitOutcome[]? WriteTogether(IReadOnlyList<AppendUnit> batch)
    {
        try
        {
            for (var i = 0; i < batch.Count; i++)
            {
                if (!TryInsert(batch[i]))
                    return null;
            }
        }
        catch (Exception e) when (SqliteErrors.IsOfOneUnit(e))
        {
            return null;
        }

        var outcomes = new UnitOutcome[batch.Count];
        Array.Fill(outcomes, new UnitOutcome(UnitResult.Committed));
        return outcomes;
    }

    private UnitOutcome[] WriteEach(IReadOnlyList<AppendUnit> batch)
    {
        var outcomes = new UnitOutcome[batch.Count];
        for (var i = 0; i < outcomes.Length; i++)
            outcomes[i] = WriteUnit(batch[i]);
        return outcomes;
    }

    private UnitOutcome WriteUnit(AppendUnit unit)
    {
        _savepoint.Run();
        UnitOutcome outcome;
        try
        {
            if (TryInsert(unit))
            {
                _release.Run();
                return new UnitOutcome(UnitResult.Committed);
            }

            // Before the look-ups: they must not find what this unit has just inserted.
            _rollBackUnit.Run();
            outcome = new UnitOutcome(WhyRefused(unit));
        }
        catch (Exception e) when (SqliteErrors.IsOfOneUnit(e))
        {
            _rollBackUnit.Run();
            outcome = new UnitOutcome(UnitResult.Rejected, e);
        }

        _release.Run();
        return outcome;
    }

    private bool TryInsert(AppendUnit unit)
    {
        if (unit.Rows.Count == 0)
            throw new ArgumentException("A unit has no rows: the run's row changes only with its journal.");
        if (unit.NewRun is not null && !_runs.TryInsert(unit.NewRun))
            return false;
        if (!_journal.TryInsert(unit))
            return false;
        foreach (var change in unit.Changes)
        {
            if (!_runs.Apply(unit.RunKey, change, unit.Rows[^1].CommittedAt))
                throw new ArgumentException($"Run {unit.RunKey} has a journal but no row in granary_runs.");
        }

        for (var i = 0; i < unit.Sides.Count; i++)
            _sides.Write(unit.RunKey, unit.Sides[i]);
        return true;
    }

    private UnitResult WhyRefused(AppendUnit unit) => unit switch
    {
        _ when _journal.Has(unit) => UnitResult.Committed,
        { NewRun: null } => UnitResult.Fenced,
        { NewRun: { } run } => _runs.HasId(run.Id) ? UnitResult.IdTaken : UnitResult.KeyTaken,
    };
}
