using Granary.Journal;
using Granary.Runs;

namespace Granary.Tests.Model;

/// <summary>
/// One activation of a run on one silo, as protocol and engine have it: it answers calls, claims, executes the script a
/// decision at a time, parks, ends. The loop is modelled; the chain's end that it goes by is the engine's <see cref="RunJournal"/>.
/// </summary>
internal sealed class Activation(Cluster cluster, ModelSilo silo, string id)
{
    private readonly List<Call> _held = [];
    private readonly HashSet<string> _keysInFlight = [];
    private RunJournal? _journal;
    private RunView _view = new();
    private Phase _phase;
    private Decision.Leave? _leave;
    private RunRow? _firstSeen;
    private bool _hasLooked;
    private bool _isGone;
    private bool _codeWaits;
    private bool _startsFirst;
    private int _inFlight;

    private enum Phase
    {
        /// <summary>Holds no claim.</summary>
        Idle,

        /// <summary>Its start or claim is on its way.</summary>
        Claiming,

        /// <summary>Executes the run.</summary>
        Running,

        /// <summary>Its last row is decided or on its way.</summary>
        Leaving,
    }

    /// <summary>Whether a loop holds a claim here.</summary>
    public bool HoldsClaim => _phase is Phase.Running or Phase.Leaving;

    private RuleSet Rules => cluster.Rules;

    private ModelTable Table => cluster.Table;

    public void Receive(Call call)
    {
        switch (_phase)
        {
            case Phase.Idle:
                ReceiveUnclaimed(call);
                break;
            case Phase.Claiming when call.Kind == CallKind.Start && _startsFirst && !Rules.Has(Rule.SecondStartWaitsForTheFirst):
                cluster.Answer(call, true);
                break;
            case Phase.Running:
            case Phase.Leaving when _leave is { } leave && !Rules.Has(leave.Rows[^1].Kind == FactKind.Parked ? Rule.CallsWaitForThePark : Rule.NothingIsQueuedBehindTheEnd):
                ReceiveRunning(call);
                break;
            default:
                _held.Add(call);
                break;
        }
    }

    /// <summary>The code goes on until it waits for a commit or for something to come.</summary>
    public void Code()
    {
        if (_phase == Phase.Leaving && _leave is { } waiting && _inFlight == 0)
            Leave(waiting);
        if (_phase != Phase.Running || _codeWaits)
            return;
        switch (Decision.Of(_view, cluster.Case.ScriptOf(id), _journal!.Epoch, silo.Incarnation, id, cluster.Now))
        {
            case Decision.Record record:
                _codeWaits = true;
                Append([record.Row], record.Change, new Extras { Child = record.Child is null ? null : Child(record.Child), Then = Recorded });
                break;
            case Decision.Leave leave when _inFlight == 0:
                Leave(leave);
                break;
            case Decision.Leave leave when !Rules.Has(Rule.EndIsDecidedWithNothingInFlight):
                (_phase, _leave) = (Phase.Leaving, leave);
                break;
        }
    }

    /// <summary>The silo stops in order: what it executes is left for the next one.</summary>
    public void Release()
    {
        if (_phase == Phase.Running && _inFlight == 0)
            Leave(new Decision.Leave([Decision.Fact(FactKind.Released, _journal!.Epoch)], new RunChange { Status = RunStatus.Running }));
    }

    /// <summary>The activation goes without a word. What it has queued is still written; nobody is told.</summary>
    public void Drop()
    {
        _isGone = true;
        cluster.Forget(silo, id);
    }

    private void ReceiveUnclaimed(Call call)
    {
        var row = Table.Find(id);
        if (!Rules.Has(Rule.UnclaimedActivationsReadAgain) && call.Kind != CallKind.Start)
        {
            if (!_hasLooked)
                (_firstSeen, _hasLooked) = (row, true);
            row = _firstSeen is null ? null : row;
        }

        switch (call.Kind)
        {
            case CallKind.Start when row is not null:
                cluster.Answer(call, true);
                break;
            case CallKind.Start:
                Start(call);
                break;
            case CallKind.Read:
                cluster.Answer(call, true);
                if (row is not null && !Rules.Has(Rule.ReadsNeverClaim))
                    Claim(call with { Kind = CallKind.Recover }, row, []);
                break;
            case CallKind.Signal when Rules.Has(Rule.KeysAreLookedUpBeforeTheEnd) && Table.HasSignalKey(id, call.Key):
                cluster.Answer(call, true);
                break;
            case CallKind.ChildResult when row is not null && IsEnded(row) && Rules.Has(Rule.ResultsWaitForEndedRuns):
                break;
            case CallKind.ChildResult when row is null || IsEnded(row):
                Table.Outbox.RemoveAll(o => o.Child == call.Child);
                break;
            case CallKind.ChildResult when IsTaken(call):
                break;
            case CallKind.Resume when row is { Status: RunStatus.Cancelled }:
                Claim(call, row, [ModelFact.Resumed]);
                break;
            case CallKind.Resume when row is null || row.Status != RunStatus.Cancelled:
            case var _ when row is null || IsEnded(row):
                cluster.Answer(call, false);
                break;
            case CallKind.Signal when Table.HasSignalKey(id, call.Key):
                cluster.Answer(call, true);
                break;
            case CallKind.Recover:
                Claim(call, row!, []);
                break;
            default:
                Claim(call, row!, [Fact(call)]);
                break;
        }
    }

    private void ReceiveRunning(Call call)
    {
        switch (call.Kind)
        {
            case CallKind.Start or CallKind.Read:
                cluster.Answer(call, true);
                break;
            case CallKind.Recover:
                break;
            case CallKind.Resume:
                cluster.Answer(call, false);
                break;
            case CallKind.Signal when Table.HasSignalKey(id, call.Key):
                cluster.Answer(call, true);
                break;
            case CallKind.ChildResult when IsTaken(call):
                break;
            case CallKind.ChildResult when _view.HasResult(call.Child):
                Delivered(call);
                break;

            // The same call once more while its fact is on the way: a second fact would refuse the whole unit.
            case CallKind.Signal or CallKind.ChildResult when !_keysInFlight.Add(call.Key + call.Child):
                break;
            default:
                if (!Rules.Has(Rule.CommitComesBeforeAcknowledgement))
                    cluster.Answer(call, true);
                Append([Decision.Fact(Fact(call), _journal!.Epoch, NameOf(call))], null, ExtrasOf(call, Accepted));
                break;
        }
    }

    private void Start(Call call)
    {
        var row = cluster.NewRow(id, silo.Incarnation);
        _journal = new RunJournal(row.Key, 1);
        (_phase, _startsFirst) = (Phase.Claiming, true);
        if (!Rules.Has(Rule.CommitComesBeforeAcknowledgement))
            cluster.Answer(call, true);
        silo.Enqueue(new Append
        {
            Journal = _journal,
            Rows = [Decision.Fact(FactKind.Started, 1, silo.Incarnation)],
            NewRun = row,
            Tag = new Extras { Call = call, Then = Claimed },
            Done = Done,
        });
    }

    /// <summary>Takes the run over, together with the fact that woke it.</summary>
    private void Claim(Call call, RunRow row, string[] facts)
    {
        if (Table.Head(row.Key) is not { } head)
            return;
        if (facts.Length > 0 && !Rules.Has(call.Kind == CallKind.Resume ? Rule.ResumeIsOneAppendWithItsClaim : Rule.AppendsByOthersCarryAClaim))
        {
            ClaimApart(call, row, head, facts[0]);
            return;
        }

        _journal = RunJournal.After(row.Key, head.Epoch + 1, head);
        (_phase, _startsFirst) = (Phase.Claiming, false);
        JournalRow[] rows = [Decision.Fact(FactKind.Claimed, _journal.Epoch, silo.Incarnation), .. facts.Select(f => Decision.Fact(f, _journal.Epoch, NameOf(call)))];
        silo.Enqueue(new Append
        {
            Journal = _journal,
            Rows = rows,
            Change = Decision.Running(silo.Incarnation),
            IsUrgent = true,
            Tag = ExtrasOf(call, Claimed),
            Done = Done,
        });
    }

    /// <summary>Without the rule: a fact and its claim in two appends.</summary>
    private void ClaimApart(Call call, RunRow row, JournalHead head, string fact)
    {
        var resumes = call.Kind == CallKind.Resume;
        var journal = RunJournal.After(row.Key, resumes ? head.Epoch + 1 : head.Epoch, head);
        _phase = Phase.Claiming;
        var kind = resumes ? FactKind.Claimed : fact;
        silo.Enqueue(new Append
        {
            Journal = journal,
            Rows = [Decision.Fact(kind, journal.Epoch, resumes ? silo.Incarnation : NameOf(call))],
            Change = resumes ? Decision.Running(silo.Incarnation) : null,
            IsUrgent = true,
            Tag = (resumes ? ExtrasOf(call with { Kind = CallKind.Recover }, Then) : ExtrasOf(call, Then)) with { Call = call },
            Done = Done,
        });

        void Then(UnitOutcome outcome, Append append)
        {
            _phase = Phase.Idle;
            if (outcome.Result != UnitResult.Committed)
                return;
            cluster.Answer(call, true);
            if (!resumes)
            {
                ReceiveUnclaimed(new Call(CallKind.Recover, id));
                return;
            }

            (_journal, _phase) = (journal, Phase.Claiming);
            silo.Enqueue(new Append
            {
                Journal = journal,
                Rows = [Decision.Fact(fact, journal.Epoch)],
                Tag = new Extras { Then = Claimed },
                Done = Done,
            });
        }
    }

    private void Claimed(UnitOutcome outcome, Append append)
    {
        var call = ((Extras)append.Tag!).Call;
        _phase = Phase.Idle;
        switch (outcome.Result)
        {
            case UnitResult.Committed:
                _view = new RunView();
                foreach (var row in Table.Read(_journal!.RunKey))
                {
                    if (row.Seq <= append.Rows[^1].Seq)
                        _view.Add(row);
                }

                (_phase, _inFlight, _codeWaits) = (Phase.Running, 0, false);
                _keysInFlight.Clear();
                if (call is not null)
                    Answered(call);
                break;
            case UnitResult.IdTaken or UnitResult.KeyTaken:
                ReceiveUnclaimed(call!);
                break;
            case UnitResult.Fenced when call is not null && Rules.Has(Rule.ConflictingClaimsLookAgain) && Table.Find(id) is { } row
                && Table.Head(row.Key) is { } head && head.Epoch < _journal!.Epoch:

                // The owner wrote in between, and nobody has claimed: once more from the new end.
                ReceiveUnclaimed(call);
                break;
            case UnitResult.Rejected:
                cluster.Answer(call!, false, isPoison: true);
                break;
        }

        TakeHeld();
    }

    private void TakeHeld()
    {
        Call[] held = [.. _held];
        _held.Clear();
        foreach (var call in held)
            Receive(call);
    }

    private void Append(JournalRow[] rows, RunChange? change, Extras extras)
    {
        _inFlight++;
        silo.Enqueue(new Append { Journal = _journal!, Rows = rows, Change = change, Tag = extras, Done = Done });
    }

    private void Done(Append append, UnitOutcome outcome)
    {
        if (!_isGone)
            ((Extras)append.Tag!).Then(outcome, append);
    }

    private void Recorded(UnitOutcome outcome, Append append)
    {
        _inFlight--;
        _codeWaits = false;
        if (!Took(outcome, append))
            return;

        // Only makes it fast: the child's row already says who is to execute it.
        if (((Extras)append.Tag!).Child is { } child)
            cluster.Send(new Call(CallKind.Recover, child.Row.Id), null);
        Code();
    }

    private void Accepted(UnitOutcome outcome, Append append)
    {
        var call = ((Extras)append.Tag!).Call!;
        _inFlight--;
        _keysInFlight.Remove(call.Key + call.Child);
        if (outcome.Result == UnitResult.Rejected)
            cluster.Answer(call, false, isPoison: true);
        else if (Took(outcome, append))
            Answered(call);
    }

    /// <summary>False when the append was refused: the activation has lost the run and goes.</summary>
    private bool Took(UnitOutcome outcome, Append append)
    {
        if (outcome.Result != UnitResult.Committed)
        {
            Drop();
            return false;
        }

        foreach (var row in append.Rows)
            _view.Add(row);
        return true;
    }

    private void Answered(Call call)
    {
        cluster.Answer(call, true);
        if (call.Kind == CallKind.ChildResult)
            Delivered(call);
    }

    /// <summary>Without the rule the row goes once the delivery is answered.</summary>
    private void Delivered(Call call)
    {
        if (!Rules.Has(Rule.OutboxRowGoesWithItsFact) && !call.LosesReply)
            Table.Outbox.RemoveAll(o => o.Child == call.Child);
    }

    private void Leave(Decision.Leave leave)
    {
        (_phase, _leave) = (Phase.Leaving, leave);
        _inFlight++;
        var last = leave.Rows[^1].Kind;
        var parks = last == FactKind.Parked && !Rules.Has(Rule.ParkIsPartOfItsAppend);
        silo.Enqueue(new Append
        {
            Journal = _journal!,
            Rows = leave.Rows,
            Change = parks ? null : leave.Change,
            IsUrgent = true,
            Tag = new Extras
            {
                OwesResultTo = FactKind.IsTerminal(last) && Parent is not null && Rules.Has(Rule.ResultsAreOutboxRows) ? Parent : null,
                Continuation = leave.Continues ? Next() : null,
                Intended = parks ? leave.Change : null,
                Then = (outcome, append) => Left(outcome, append, leave, parks),
            },
            Done = Done,
        });
    }

    private void Left(UnitOutcome outcome, Append append, Decision.Leave leave, bool parks)
    {
        _inFlight--;
        _leave = null;
        if (!Took(outcome, append))
            return;
        if (parks)
            silo.LatePuts.Enqueue((id, leave.Change));
        if (leave.Continues)
        {
            var next = ((Extras)append.Tag!).Continuation!.Value;
            _journal = new RunJournal(next.Key, _journal!.Epoch) { Seq = 1, AppendId = append.Rows[0].AppendId, CommittedAt = next.Started.CommittedAt };
            _view = new RunView();
            _view.Add(next.Started);
            _phase = Phase.Running;
            TakeHeld();
            return;
        }

        _phase = Phase.Idle;
        if (FactKind.IsTerminal(leave.Rows[^1].Kind) && Parent is { } parent && !Rules.Has(Rule.ResultsAreOutboxRows))
            cluster.Send(new Call(CallKind.ChildResult, parent) { Child = id }, null);
        if (_held.Count == 0)
            Drop();
        else
            TakeHeld();
    }

    private string? Parent => id.IndexOf('/', StringComparison.Ordinal) is > 0 and var at ? id[..at] : null;

    private (RunRow Row, JournalRow Started)? Child(string child)
    {
        var owner = Rules.Has(Rule.RunsAreBornWithAnOwner) ? silo.Incarnation : null;
        var row = cluster.NewRow(child, owner) with { Status = owner is null ? RunStatus.Queued : RunStatus.Running };
        return (row, Decision.Fact(FactKind.Started, 0, owner));
    }

    private (long Key, JournalRow Started) Next()
    {
        var carried = Rules.Has(Rule.ContinuationCarriesTheMailbox) ? RunView.Carry(_view.Signals.Skip(_view.Taken)) : null;
        var started = new JournalRow { Kind = FactKind.Started, Epoch = _journal!.Epoch, Name = silo.Incarnation, Attempt = _view.Generation + 1, Output = carried };
        return (Rules.Has(Rule.ContinuationTakesANewKey) ? cluster.NewKey() : _journal.RunKey, started);
    }

    /// <summary>Whether the result was journaled already, which took its outbox row.</summary>
    private bool IsTaken(Call call) =>
        Rules.Has(Rule.ResultsAreOutboxRows) && Rules.Has(Rule.OutboxRowGoesWithItsFact) && !Table.Outbox.Exists(o => o.Child == call.Child);

    private Extras ExtrasOf(Call call, Action<UnitOutcome, Append> then) => new()
    {
        Call = call,
        SignalKey = call.Kind == CallKind.Signal ? call.Key : null,
        TakesResultOf = call.Kind == CallKind.ChildResult && Rules.Has(Rule.ResultsAreOutboxRows) ? call.Child : null,
        Then = then,
    };

    private static string Fact(Call call) => call.Kind switch
    {
        CallKind.Signal => ModelFact.Signalled,
        CallKind.Cancel => ModelFact.CancelRequested,
        _ => ModelFact.ChildResult,
    };

    private static string? NameOf(Call call) => call.Kind == CallKind.ChildResult ? call.Child : call.Wish?.Name;

    private static bool IsEnded(RunRow row) => RunRows.ToEnd(row) is not null;
}
