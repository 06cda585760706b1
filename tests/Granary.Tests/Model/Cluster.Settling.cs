using Granary.Journal;
using Granary.Runs;

namespace Granary.Tests.Model;

/// <content>What happens by itself when nobody calls and nothing more goes wrong, and what must hold then.</content>
internal sealed partial class Cluster
{
    private const int MaxRounds = 60;

    private void Settle()
    {
        // Who was paused goes on, writes what it still had, and only then learns that it was given up.
        foreach (var silo in _silos)
        {
            silo.IsPaused = false;
            Flush(silo);
            if (silo.IsDeclaredDead)
                Crash(silo);
        }

        for (var (round, quiet) = (0, 0); quiet < 4 && Verdict.Broken is null; round++)
        {
            if (round == MaxRounds)
            {
                Verdict.Break("STORM: it doesn't come to rest");
                return;
            }

            quiet = Round() ? 0 : quiet + 1;
        }
    }

    /// <summary>A turn of everything; true when something was written.</summary>
    private bool Round()
    {
        Now = Now.AddSeconds(1);
        foreach (var run in Runs(r => r.WakeAt <= Now && r.Owner is null))
            Wake(run, null);
        foreach (var run in Runs(IsLeft))
            Send(new Call(CallKind.Recover, run.Id), null);
        foreach (var (parent, child) in Table.Outbox.ToList())
            Send(new Call(CallKind.ChildResult, parent) { Child = child }, null);
        foreach (var silo in _silos)
            Watch(silo, null);
        var wrote = false;
        foreach (var silo in _silos)
        {
            wrote |= Flush(silo);
            foreach (var activation in silo.Activations.Values.ToList())
                activation.Code();
            wrote |= Flush(silo);
        }

        return wrote;
    }

    private static bool Flush(ModelSilo silo)
    {
        var wrote = false;
        while (!silo.IsIdle)
        {
            wrote = true;
            silo.Put();
            silo.Write();
            silo.Answer();
        }

        return wrote;
    }

    private void Judge()
    {
        foreach (var journal in Table.Journals)
            ModelInvariants.Check(journal, Verdict);
        foreach (var wish in _wishes.Where(w => w.Answer == true && !Table.Purged.Contains(w.Id)))
        {
            if (wish.Kind == CallKind.Start && Table.Find(wish.Id) is null)
                Verdict.Break($"ACKNOWLEDGED: the start of '{wish.Id}' was, and there is no such run");
            if (wish.Kind == CallKind.Signal && !Table.HasSignal(wish.Name))
                Verdict.Break($"ACKNOWLEDGED: signal '{wish.Name}' was, and it isn't recorded");
            if (wish.Kind == CallKind.Cancel && !Table.HasCancel(wish.Name))
                Verdict.Break($"ACKNOWLEDGED: cancel '{wish.Name}' was, and it isn't recorded");
        }

        foreach (var (id, (row, byJournal)) in Table.Runs)
            Judge(id, row, byJournal);
    }

    private void Judge(string id, RunRow row, RunRow byJournal)
    {
        if (row != byJournal)
            Verdict.Break($"ROW: '{id}' is {row.Status} of {row.Owner} until {row.WakeAt}, its journal says {byJournal.Status} of {byJournal.Owner} until {byJournal.WakeAt}");
        var view = new RunView();
        foreach (var fact in Table.Read(row.Key))
            view.Add(fact);
        if ((view.End is not null) != (RunRows.ToEnd(row) is not null))
            Verdict.Break($"ROW: '{id}' is {row.Status} though its journal {(view.End is null ? "hasn't" : "has")} ended");
        if (RunRows.ToEnd(row) is not null)
            return;
        var (taken, given) = Table.Mailboxes.GetValueOrDefault(id);
        switch (Decision.Of(view, Case.ScriptOf(id), 0, "", id, Now))
        {
            case Decision.Leave { Change: { Status: RunStatus.Waiting, WaitingOn: "signal" } }:
                if (taken > given)
                    Verdict.Break($"LOST: '{id}' waits for a signal though it was given {taken} and took {given}");
                break;
            case Decision.Leave { Change: { Status: RunStatus.Waiting, WaitingOn: "child" } } wait
                when Table.Runs.Keys.Any(other => other.StartsWith($"{id}/{view.Generation}a{view.History.Outcomes.Count + 1}", StringComparison.Ordinal)
                    && RunRows.ToEnd(Table.Runs[other].Row) is null):
                break;
            default:
                Verdict.Break($"STRANDED: '{id}' is {row.Status} on {row.WaitingOn ?? "nothing"} and nobody goes on with it");
                break;
        }
    }
}
