namespace Granary.Journal;

/// <summary>Makes units of queued appends: all of one run's appends are one, chained and numbered.</summary>
internal static class JournalBatch
{
    /// <summary>The units, in the order of their runs' keys. Appends whose journal was refused are refused here.</summary>
    public static List<Unit> Build(IReadOnlyList<Append> appends, DateTimeOffset now)
    {
        var byJournal = new Dictionary<RunJournal, List<Append>>(appends.Count);
        foreach (var append in appends)
        {
            if (append.Journal.IsRefused)
            {
                append.Done(append, new UnitOutcome(UnitResult.Fenced));
                continue;
            }

            if (!byJournal.TryGetValue(append.Journal, out var list))
                byJournal.Add(append.Journal, list = new List<Append>(1));
            list.Add(append);
        }

        var units = new List<Unit>(byJournal.Count);
        foreach (var (journal, list) in byJournal)
            units.Add(new Unit(journal, list, now));

        // Stores lock in this order; two writers that agree on it can't deadlock.
        units.Sort((a, b) => a.Write.RunKey.CompareTo(b.Write.RunKey));
        return units;
    }

    /// <summary>The appends of one run in one batch.</summary>
    internal sealed class Unit
    {
        private readonly RunJournal _journal;

        public Unit(RunJournal journal, List<Append> appends, DateTimeOffset now)
        {
            _journal = journal;
            Appends = appends;

            // In the precision that stores keep: the code must get the same instant live as on replay.
            now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
            var committedAt = now > journal.CommittedAt ? now : journal.CommittedAt;
            var rows = new List<JournalRow>(appends.Count);
            var changes = new List<RunChange>(appends.Count);
            List<UnitSide>? sides = null;
            var seq = journal.Seq;
            foreach (var append in appends)
            {
                var appendId = RunKeys.NextAppendId();
                for (var i = 0; i < append.Rows.Count; i++)
                {
                    var row = append.Rows[i];
                    row.Seq = ++seq;
                    row.AppendId = appendId;
                    row.CommittedAt = committedAt;
                    rows.Add(row);
                }

                if (append.Change is not null)
                    changes.Add(append.Change);
                for (var i = 0; i < append.Sides.Count; i++)
                    (sides ??= []).Add(new UnitSide(append.Sides[i], seq, committedAt));
            }

            Write = new AppendUnit
            {
                RunKey = journal.RunKey,
                PreviousSeq = journal.Seq,
                PreviousAppendId = journal.AppendId,
                Rows = rows,
                NewRun = appends[0].NewRun,
                Changes = changes,
                Sides = sides ?? (IReadOnlyList<UnitSide>)[],
            };
        }

        public List<Append> Appends { get; }

        public AppendUnit Write { get; }

        /// <summary>Moves the chain's end, or refuses the journal, then tells the appends.</summary>
        public void Finish(UnitOutcome outcome)
        {
            if (outcome.Result == UnitResult.Committed)
            {
                var last = Write.Rows[^1];
                _journal.Seq = last.Seq;
                _journal.AppendId = last.AppendId;
                _journal.CommittedAt = last.CommittedAt;
            }
            else if (outcome.Result != UnitResult.Rejected)
            {
                _journal.Refuse();
            }

            foreach (var append in Appends)
                append.Done(append, outcome);
        }
    }
}
