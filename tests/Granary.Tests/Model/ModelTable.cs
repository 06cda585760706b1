using Granary.Journal;
using Granary.Runs;

namespace Granary.Tests.Model;

/// <summary>
/// The tables, and what an insert checks. <see cref="StoreAgreementTests"/> plays the same units against a real store and
/// compares; what the stores have no tables for yet (outbox, signal keys, generations) is only here.
/// </summary>
internal sealed class ModelTable(RuleSet rules, Verdict verdict)
{
    private readonly Dictionary<long, SortedList<long, JournalRow>> _journals = [];
    private readonly HashSet<long> _formerKeys = [];
    private readonly HashSet<(string Id, string Key)> _signalKeys = [];
    private readonly HashSet<string> _signals = [];
    private readonly HashSet<string> _cancels = [];
    private readonly HashSet<string> _results = [];

    /// <summary>Runs by id: what their rows say, and what the last append that changed them said.</summary>
    public Dictionary<string, (RunRow Row, RunRow ByJournal)> Runs { get; } = new(StringComparer.Ordinal);

    /// <summary>Results that are owed to parents.</summary>
    public List<(string Parent, string Child)> Outbox { get; } = [];

    /// <summary>Runs that retention deleted.</summary>
    public HashSet<string> Purged { get; } = [];

    /// <summary>How many signals a run's journals took in and gave out, over all generations.</summary>
    public Dictionary<string, (int In, int Out)> Mailboxes { get; } = new(StringComparer.Ordinal);

    /// <summary>Called with each unit that the tables of a real store can judge as well.</summary>
    public Action<AppendUnit, UnitResult>? Written { get; set; }

    public RunRow? Find(string id) => Runs.TryGetValue(id, out var run) ? run.Row : null;

    public JournalHead? Head(long key) =>
        _journals.TryGetValue(key, out var rows) && rows.Count > 0 && rows.Values[^1] is { } last ? new JournalHead(last.Seq, last.AppendId, last.Epoch, last.Kind, last.CommittedAt) : null;

    public IList<JournalRow> Read(long key) => _journals.TryGetValue(key, out var rows) ? rows.Values : [];

    public bool HasSignal(string name) => _signals.Contains(name);

    public bool HasSignalKey(string id, string key) => _signalKeys.Contains((id, key));

    public bool HasCancel(string name) => _cancels.Contains(name);

    public UnitOutcome Write(AppendUnit unit, IReadOnlyList<Append> appends)
    {
        var result = Check(unit, appends);
        if (!Collides(appends))
            Written?.Invoke(unit, result);
        if (result == UnitResult.Committed && !IsOwn(unit))
            Keep(unit, appends);
        return new UnitOutcome(result);
    }

    /// <summary>Changes a row without an append: what only a store without the rules would be asked to.</summary>
    public void Put(string id, Func<RunRow, RunRow> change)
    {
        if (Runs.TryGetValue(id, out var run))
            Runs[id] = (change(run.Row), run.ByJournal);
    }

    /// <summary>Retention: the run and all that hangs on it, in one transaction.</summary>
    public void Purge(string id)
    {
        ModelInvariants.Check(Read(Runs[id].Row.Key), verdict);
        _journals.Remove(Runs[id].Row.Key);
        Runs.Remove(id);
        Mailboxes.Remove(id);
        _signalKeys.RemoveWhere(k => k.Id == id);
        _signals.RemoveWhere(name => name.StartsWith(id + ' ', StringComparison.Ordinal));
        _results.RemoveWhere(name => name.StartsWith(id + '/', StringComparison.Ordinal));
        Purged.Add(id);
    }

    /// <summary>Deletes the journals of former generations.</summary>
    public void PurgeFormer()
    {
        foreach (var key in _formerKeys)
        {
            ModelInvariants.Check(Read(key), verdict);
            _journals.Remove(key);
        }

        _formerKeys.Clear();
    }

    /// <summary>All journals, for the invariants.</summary>
    public IEnumerable<IList<JournalRow>> Journals => _journals.Values.Select(j => j.Values);

    private bool IsOwn(AppendUnit unit) =>
        _journals.TryGetValue(unit.RunKey, out var rows) && rows.TryGetValue(unit.Rows[0].Seq, out var row) && row.AppendId == unit.Rows[0].AppendId;

    private UnitResult Check(AppendUnit unit, IReadOnlyList<Append> appends)
    {
        if (IsOwn(unit))
            return rules.Has(Rule.OwnWritesAreRecognised) ? UnitResult.Committed : unit.NewRun is null ? UnitResult.Fenced : UnitResult.IdTaken;
        foreach (var row in unit.Rows)
        {
            if (ModelFact.IsPoison(row))
                return UnitResult.Rejected;
        }

        if (unit.NewRun is { } run)
            return Runs.ContainsKey(run.Id) ? UnitResult.IdTaken : _journals.ContainsKey(unit.RunKey) ? UnitResult.KeyTaken : UnitResult.Committed;
        var rows = _journals.GetValueOrDefault(unit.RunKey);
        if (rules.Has(Rule.AppendsNameTheirPredecessor)
            && (rows is null || !rows.TryGetValue(unit.PreviousSeq, out var previous) || previous.AppendId != unit.PreviousAppendId))
        {
            return UnitResult.Fenced;
        }

        foreach (var row in unit.Rows)
        {
            if (rows is not null && rows.ContainsKey(row.Seq))
                return UnitResult.Fenced;
        }

        return Collides(appends) ? UnitResult.Fenced : UnitResult.Committed;
    }

    private bool Collides(IReadOnlyList<Append> appends) => appends.Any(a => Collides((Extras)a.Tag!)) || MeetThemselves(appends);

    private bool Collides(Extras extras) =>
        (extras.SignalKey is { } key && _signalKeys.Contains((extras.Call!.Id, key)))
        || (extras.TakesResultOf is { } child && rules.Has(Rule.OutboxRowGoesWithItsFact) && !Outbox.Exists(o => o.Child == child))
        || (extras.Child is { } born && Runs.ContainsKey(born.Row.Id));

    /// <summary>Whether two appends of a unit bring the same key, or take the same row.</summary>
    private static bool MeetThemselves(IReadOnlyList<Append> appends) => appends.Count > 1
        && appends.Select(a => (Extras)a.Tag!).Select(e => e.SignalKey ?? e.TakesResultOf).OfType<string>().GroupBy(k => k).Any(g => g.Count() > 1);

    private void Keep(AppendUnit unit, IReadOnlyList<Append> appends)
    {
        if (unit.NewRun is { } run)
            Runs.Add(run.Id, (run, run));
        if (!_journals.TryGetValue(unit.RunKey, out var rows))
            _journals.Add(unit.RunKey, rows = []);
        var id = Owner(unit.RunKey);
        if (id is null && !_formerKeys.Contains(unit.RunKey))
            verdict.Break($"GHOST: {unit.Rows[0].Kind} was kept for a journal that was deleted");
        foreach (var row in unit.Rows)
        {
            rows.Add(row.Seq, row);
            if (id is not null)
                Count(id, row);
        }

        foreach (var append in appends)
        {
            if (id is not null && append.Change is { } change)
                Runs[id] = (Apply(Runs[id].Row, change), Apply(Runs[id].ByJournal, change));
            if (id is not null && ((Extras)append.Tag!).Intended is { } intended)
                Runs[id] = (Runs[id].Row, Apply(Runs[id].ByJournal, intended));
            Keep((Extras)append.Tag!, append, id);
        }
    }

    private void Keep(Extras extras, Append append, string? id)
    {
        if (extras.SignalKey is { } key)
            _signalKeys.Add((extras.Call!.Id, key));
        if (extras.OwesResultTo is { } parent)
            Outbox.Add((parent, id!));
        if (extras.TakesResultOf is { } taken && rules.Has(Rule.OutboxRowGoesWithItsFact))
            Outbox.RemoveAll(o => o.Child == taken);
        if (extras.Child is { } child)
        {
            Runs.Add(child.Row.Id, (child.Row, child.Row));
            First(child.Row.Key, child.Started, append);
        }

        if (extras.Continuation is { } next && id is not null)
        {
            var (row, byJournal) = Runs[id];
            if (next.Key == row.Key)
                _journals.Remove(row.Key);
            else
                _formerKeys.Add(row.Key);
            Runs[id] = (row with { Key = next.Key }, byJournal with { Key = next.Key });
            First(next.Key, next.Started, append);
        }
    }

    private void First(long key, JournalRow started, Append append)
    {
        started.Seq = 1;
        started.AppendId = append.Rows[0].AppendId;
        started.CommittedAt = append.Rows[0].CommittedAt;
        _journals[key] = new SortedList<long, JournalRow> { { 1, started } };
    }

    private string? Owner(long key)
    {
        foreach (var (id, run) in Runs)
        {
            if (run.Row.Key == key)
                return id;
        }

        return null;
    }

    private void Count(string id, JournalRow row)
    {
        var (taken, given) = Mailboxes.GetValueOrDefault(id);
        switch (row.Kind)
        {
            case ModelFact.Signalled:
                if (!_signals.Add(row.Name!))
                    verdict.Break($"DOUBLED: signal '{row.Name}' was recorded twice");
                Mailboxes[id] = (taken + 1, given);
                break;
            case FactKind.StepSucceeded when row.StepKind == ModelFact.SignalStep:
                Mailboxes[id] = (taken, given + 1);
                break;
            case ModelFact.ChildResult when !_results.Add(row.Name!):
                verdict.Break($"DOUBLED: the result of '{row.Name}' was recorded twice");
                break;
            case ModelFact.CancelRequested:
                _cancels.Add(row.Name!);
                break;
        }
    }

    private static RunRow Apply(RunRow row, RunChange change) =>
        row with { Status = change.Status, WaitingOn = change.WaitingOn, Owner = change.Owner, WakeAt = change.WakeAt };
}
