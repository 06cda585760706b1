using Granary.Journal;

namespace Granary.Tests.Model;

/// <summary>
/// What <see cref="JournalBatch"/> would be without its rules: numbers given when an append is queued, a unit for each
/// append, a refusal that leaves what is queued behind it.
/// </summary>
internal sealed class NaiveBatch(RuleSet rules)
{
    private readonly Dictionary<RunJournal, (long Seq, long AppendId)> _ends = [];
    private readonly Dictionary<Append, (long Seq, long AppendId)> _numbered = [];

    public static bool IsNeeded(RuleSet rules) => !(rules.Has(Rule.AllAppendsOfARunInABatchAreOneUnit)
        && rules.Has(Rule.RefusalTakesWhatIsQueuedBehindIt) && rules.Has(Rule.NumbersAreGivenWhenTheBatchIsBuilt));

    public void Queued(Append append)
    {
        if (!rules.Has(Rule.NumbersAreGivenWhenTheBatchIsBuilt))
            Number(append, append.Journal);
    }

    public List<Sent> Batch(IReadOnlyList<Append> appends, DateTimeOffset now)
    {
        var sent = new List<Sent>();
        if (rules.Has(Rule.NumbersAreGivenWhenTheBatchIsBuilt))
            _ends.Clear();
        foreach (var group in appends.GroupBy(a => a.Journal))
        {
            foreach (var some in rules.Has(Rule.AllAppendsOfARunInABatchAreOneUnit) ? [group.ToList()] : group.Select(a => new List<Append> { a }))
            {
                if (group.Key.IsRefused)
                    some.ForEach(a => a.Done(a, new UnitOutcome(UnitResult.Fenced)));
                else
                    sent.Add(Unit(group.Key, some, now));
            }
        }

        return sent;
    }

    private Sent Unit(RunJournal journal, List<Append> appends, DateTimeOffset now)
    {
        var previous = appends.ConvertAll(a => _numbered.TryGetValue(a, out var end) ? end : Number(a, journal))[0];
        var rows = appends.SelectMany(a => a.Rows).ToList();
        rows.ForEach(row => row.CommittedAt = now);
        var write = new AppendUnit
        {
            RunKey = journal.RunKey,
            PreviousSeq = previous.Seq,
            PreviousAppendId = previous.AppendId,
            Rows = rows,
            NewRun = appends[0].NewRun,
            Changes = [.. appends.Select(a => a.Change).OfType<RunChange>()],
        };
        return new Sent(write, appends, outcome => Finish(journal, write, appends, outcome));
    }

    private (long Seq, long AppendId) Number(Append append, RunJournal journal)
    {
        var previous = _ends.TryGetValue(journal, out var end) ? end : (journal.Seq, journal.AppendId);
        var (seq, appendId) = (previous.Seq, RunKeys.NextAppendId());
        foreach (var row in append.Rows)
            (row.Seq, row.AppendId) = (++seq, appendId);
        _ends[journal] = (seq, appendId);
        if (!rules.Has(Rule.NumbersAreGivenWhenTheBatchIsBuilt))
            _numbered[append] = previous;
        return previous;
    }

    private void Finish(RunJournal journal, AppendUnit write, List<Append> appends, UnitOutcome outcome)
    {
        if (outcome.Result == UnitResult.Committed)
            (journal.Seq, journal.AppendId) = (write.Rows[^1].Seq, write.Rows[^1].AppendId);
        else if (outcome.Result != UnitResult.Rejected && rules.Has(Rule.RefusalTakesWhatIsQueuedBehindIt))
            journal.Refuse();
        appends.ForEach(a => a.Done(a, outcome));
    }
}
