using Npgsql;

namespace Granary.Journal.Postgres;

/// <summary>
/// Writes batches on the writer's connection. Postgres keeps a batch whole or not at all, so one that is refused is told
/// apart by a look-up of all its units, and the rest is sent again: three round trips, however many are refused.
/// </summary>
internal sealed class PostgresBatchWriter(NpgsqlConnection connection, string schema)
{
    private const int MaxTries = 6;

    private readonly WriterStatements _statements = new(schema);

    /// <summary>How often the server was asked, for tests.</summary>
    public int RoundTrips { get; private set; }

    /// <exception cref="NpgsqlException">Nothing of the last transaction was kept, or its answer was lost.</exception>
    public UnitOutcome[] Write(IReadOnlyList<AppendUnit> batch)
    {
        var outcomes = new UnitOutcome[batch.Count];
        var waiting = new List<Sent>(batch.Count);
        for (var i = 0; i < outcomes.Length; i++)
        {
            if (UnitText.Fault(batch[i]) is { } fault)
                outcomes[i] = new UnitOutcome(UnitResult.Rejected, fault);
            else
                waiting.Add(new Sent(i, batch[i]));
        }

        while (waiting.Count > 0)
        {
            // A statement doesn't see its own rows: of two units of one run, or of one new id, the second waits.
            var keys = new HashSet<long>();
            var ids = new HashSet<string>();
            var now = new List<Sent>(waiting.Count);
            var later = new List<Sent>();
            foreach (var sent in waiting)
                (keys.Add(sent.Unit.RunKey) && (sent.Unit.NewRun is not { } run || ids.Add(run.Id)) ? now : later).Add(sent);
            now.Sort((a, b) => a.Unit.RunKey.CompareTo(b.Unit.RunKey));
            WriteTogether(now, outcomes);
            waiting = later;
        }

        return outcomes;
    }

    /// <summary>Runs each statement with nothing to write; the second time the server prepares it.</summary>
    public void WarmUp()
    {
        for (var i = 0; i < 2; i++)
        {
            using var batch = _statements.Nothing(connection);
            batch.ExecuteNonQuery();
        }
    }

    private void WriteTogether(List<Sent> units, UnitOutcome[] outcomes)
    {
        for (var tries = 1; units.Count > 0; tries++)
        {
            try
            {
                Insert(units.ConvertAll(u => u.Unit));
                foreach (var sent in units)
                    outcomes[sent.Index] = new UnitOutcome(UnitResult.Committed);
                return;
            }
            catch (PostgresException e) when (tries < MaxTries && PostgresErrors.IsWorthRepeating(e))
            {
            }
            catch (PostgresException e) when (PostgresErrors.IsRefusal(e))
            {
                var states = ReadStates(units.ConvertAll(u => u.Unit));
                var rest = new List<Sent>(units.Count);
                for (var i = 0; i < units.Count; i++)
                {
                    if (states[i].Outcome(units[i].Unit) is { } outcome)
                        outcomes[units[i].Index] = outcome;
                    else
                        rest.Add(units[i]);
                }

                // Refused, and yet nothing is found that refuses: it went again meanwhile. Not for ever.
                if (rest.Count == units.Count && tries >= MaxTries)
                    throw;
                units = rest;
            }
            catch (Exception e) when (PostgresErrors.IsOfOneUnit(e))
            {
                if (units.Count == 1)
                {
                    outcomes[units[0].Index] = new UnitOutcome(UnitResult.Rejected, e);
                    return;
                }

                WriteTogether(units[..(units.Count / 2)], outcomes);
                WriteTogether(units[(units.Count / 2)..], outcomes);
                return;
            }
        }
    }

    private void Insert(List<AppendUnit> units)
    {
        using var batch = _statements.Write(connection, units);
        RoundTrips++;
        batch.ExecuteNonQuery();
    }

    private List<UnitState> ReadStates(List<AppendUnit> units)
    {
        using var batch = _statements.State(connection, units);
        RoundTrips++;
        using var reader = batch.ExecuteReader();
        var states = new List<UnitState>(units.Count);
        while (reader.Read())
        {
            long? Value(int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);
            states.Add(new UnitState(Value(0), Value(1), Value(2), Value(3), Value(4) is not null, Value(5) is not null));
        }

        return states;
    }

    private readonly record struct Sent(int Index, AppendUnit Unit);

    /// <summary>What stands where a unit wants to write.</summary>
    private readonly record struct UnitState(long? AppendId, long? PreviousAppendId, long? FirstSeq, long? TakenSeq, bool HasKey, bool HasId)
    {
        /// <summary>Why it was refused; null when nothing refuses it.</summary>
        public UnitOutcome? Outcome(AppendUnit unit) => unit switch
        {
            _ when AppendId == unit.Rows[0].AppendId => new UnitOutcome(UnitResult.Committed),
            { NewRun: not null } when HasId => new UnitOutcome(UnitResult.IdTaken),
            { NewRun: not null } when HasKey || FirstSeq is not null => new UnitOutcome(UnitResult.KeyTaken),
            { PreviousSeq: 0 } when FirstSeq is not null => new UnitOutcome(UnitResult.Fenced),
            { PreviousSeq: > 0 } when PreviousAppendId != unit.PreviousAppendId || TakenSeq is not null => new UnitOutcome(UnitResult.Fenced),
            { NewRun: null, Changes.Count: > 0 } when !HasKey => new UnitOutcome(UnitResult.Rejected,
                new ArgumentException($"Run {unit.RunKey} has a journal but no row in runs.")),
            _ => null,
        };
    }
}
