using Granary.Journal;
using Granary.Runs;

namespace Granary.Tests.Model;

/// <summary>Silos over one database, their clients and keepers, a move at a time. The same case plays the same way.</summary>
/// <remarks>
/// The engine's own: units, their numbers and their refusal (<see cref="JournalBatch"/>, <see cref="RunJournal"/>), the rows and
/// their changes, the reading of a history (<see cref="RunHistory"/>). Modelled: the store (compared with a real one by
/// <see cref="StoreAgreementTests"/>), the writer's thread, the grain and its loop, directory, members, keepers, clients. The loop
/// is a model because the engine's runs user code on a scheduler of its own, which no seed could order.
/// </remarks>
internal sealed partial class Cluster
{
    private static readonly DateTimeOffset _noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly Payload _input = new("json", []);

    private readonly List<ModelSilo> _silos = [];
    private readonly Dictionary<string, ModelSilo> _directory = new(StringComparer.Ordinal);
    private readonly List<Wish> _wishes = [];
    private long _lastKey;

    private Cluster(Case @case, RuleSet rules, Verdict verdict)
    {
        (Case, Rules, Verdict) = (@case, rules, verdict);
        Table = new ModelTable(rules, verdict);
        for (var i = 0; i < 3; i++)
            _silos.Add(new ModelSilo(this, i));
    }

    public Case Case { get; }

    public RuleSet Rules { get; }

    public Verdict Verdict { get; }

    public ModelTable Table { get; }

    public DateTimeOffset Now { get; private set; } = _noon;

    /// <summary>Plays a case: its moves, then whatever must happen by itself, then judges.</summary>
    public static Verdict Play(Case @case, RuleSet rules, bool tellsStory = false, Action<AppendUnit, UnitResult>? written = null)
    {
        var verdict = new Verdict(tellsStory);
        var cluster = new Cluster(@case, rules, verdict) { Table = { Written = written } };
        foreach (var act in @case.Acts)
        {
            verdict.Tell(act.ToString());
            cluster.Make(act);
            if (verdict.Broken is not null)
                return verdict;
        }

        verdict.Tell("settles");
        cluster.Settle();
        cluster.Judge();
        return verdict;
    }

    public long NewKey() => ++_lastKey;

    public RunRow NewRow(string id, string? owner) => new()
    {
        Key = NewKey(),
        Id = id,
        Workflow = "w",
        WorkflowVersion = 1,
        Version = "1",
        Status = RunStatus.Running,
        Owner = owner,
        Input = _input,
        CreatedAt = Now,
    };

    /// <summary>Sends a call to wherever the run is active, or to a silo of choice.</summary>
    public void Send(Call call, Act? act)
    {
        if (act?.IsLost != true && Target(call.Id, act) is { } silo)
            silo.Activate(call.Id).Receive(call);
    }

    public void Answer(Call call, bool isAcknowledged, bool isPoison = false)
    {
        if (call.Wish is not { } wish)
            return;
        if (!isAcknowledged && !isPoison && wish.Kind == CallKind.Signal && Table.HasSignal(wish.Name))
            Verdict.Break($"REFUSED: signal '{wish.Name}' was recorded, yet its sender is told that it was refused");
        if (!call.LosesReply)
            wish.Answer ??= isAcknowledged;
    }

    public void Forget(ModelSilo silo, string id)
    {
        silo.Activations.Remove(id);
        if (_directory.GetValueOrDefault(id) == silo)
            _directory.Remove(id);
    }

    private ModelSilo? Target(string id, Act? act)
    {
        if (act is { GoesAstray: true } astray)
            return _silos[astray.Who % _silos.Count] is { IsPaused: false } other ? other : null;
        if (_directory.TryGetValue(id, out var silo) && !silo.IsDeclaredDead)
            return silo.IsPaused ? null : silo;
        for (var i = 0; i < _silos.Count; i++)
        {
            var candidate = _silos[((act?.Luck ?? 0) + i) % _silos.Count];
            if (candidate is { IsPaused: false, IsDeclaredDead: false })
                return _directory[id] = candidate;
        }

        return null;
    }

    private void Make(Act act)
    {
        var silo = _silos[act.Who % _silos.Count];
        switch (act.Move)
        {
            case Move.Start or Move.Signal or Move.Cancel or Move.Resume or Move.Read:
                Wish(act);
                break;
            case Move.AskAgain:
                if (act.OneOf(_wishes.FindAll(w => w.Answer is null)) is { } wish)
                    Ask(wish, act);
                break;
            case Move.Wake:
                if (act.OneOf(Runs(r => r.WakeAt <= Now && r.Owner is null)) is { } due)
                    Wake(due, act);
                break;
            case Move.Sweep:
                if (act.OneOf(Runs(IsLeft)) is { } left)
                    Send(new Call(CallKind.Recover, left.Id), act);
                break;
            case Move.Deliver:
                if (Table.Outbox.Count > 0 && Table.Outbox[act.Who % Table.Outbox.Count] is var row)
                    Send(new Call(CallKind.ChildResult, row.Parent) { Child = row.Child, LosesReply = act.LosesReply }, act);
                break;
            case Move.Pass:
                Now = Now.AddSeconds(1 + (act.Luck & 1));
                break;
            case Move.Purge:
                if ((act.Luck & 1) == 0)
                    Table.PurgeFormer();
                else if (act.OneOf(Runs(r => RunRows.ToEnd(r) is not null)) is { } ended)
                    Purge(ended.Id);
                break;
            case Move.Crash:
                Crash(silo);
                break;
            case Move.Pause:
                silo.IsPaused = true;
                break;
            case Move.Continue:
                silo.IsPaused = false;
                break;
            case Move.DeclareDead when silo.IsPaused && _silos.Exists(s => s != silo && s is { IsDeclaredDead: false, IsPaused: false }):
                silo.IsDeclaredDead = true;
                break;
            case var _ when !silo.IsPaused:
                Make(act.Move, silo, act);
                break;
        }
    }

    private void Make(Move move, ModelSilo silo, Act act)
    {
        switch (move)
        {
            case Move.Go:
                foreach (var activation in silo.Activations.Values.ToList())
                    activation.Code();
                silo.Write();
                silo.Answer();
                break;
            case Move.Code:
                Some(silo, act)?.Code();
                break;
            case Move.Write:
                silo.Write();
                break;
            case Move.Answer:
                silo.Answer();
                break;
            case Move.LoseAnswer:
                silo.LoseAnswer();
                break;
            case Move.LatePut:
                silo.Put();
                break;
            case Move.Release:
                Some(silo, act)?.Release();
                break;
            case Move.LoseActivation:
                Some(silo, act)?.Drop();
                break;
            case Move.Watch:
                Watch(silo, act);
                break;
        }
    }

    /// <summary>Retention. A run that was started anew under its id would meet the children of the one before it.</summary>
    private void Purge(string id)
    {
        var children = Runs(r => r.Id.StartsWith(id + '/', StringComparison.Ordinal));
        if (Rules.Has(Rule.RunsAreDeletedWithTheirChildren))
        {
            if (children.Exists(c => RunRows.ToEnd(c) is null))
                return;
            children.ForEach(c => Table.Purge(c.Id));
            Table.Outbox.RemoveAll(o => o.Parent == id);
        }

        Table.Purge(id);
    }

    private static Activation? Some(ModelSilo silo, Act act) => act.OneOf([.. silo.Activations.Values]);

    private void Wish(Act act)
    {
        // Children are asked for too, by whoever knows their ids.
        var run = Case.IdOf(act.Luck >> 1 & 1);
        var id = act.Move == Move.Read && (act.Who & 1) == 0 ? $"{run}/0a{1 + (act.Luck >> 2 & 1)}" : run;
        if (act.Move == Move.Resume && Runs(r => r.Status == RunStatus.Cancelled) is [var cancelled, ..])
            id = cancelled.Id;
        var wish = new Wish(Enum.Parse<CallKind>(act.Move.ToString()), id, $"{id} {_wishes.Count}{(act is { Move: Move.Signal, Luck: 31 } ? ModelFact.Poison : "")}");
        _wishes.Add(wish);
        Ask(wish, act);
    }

    private void Ask(Wish wish, Act act)
    {
        var key = Rules.Has(Rule.ClientsSendKeys) ? wish.Name : $"{wish.Name}#{wish.Asked}";
        wish.Asked++;
        Send(new Call(wish.Kind, wish.Id) { Wish = wish, Key = key, LosesReply = act.LosesReply }, act);
    }

    private void Wake(RunRow due, Act? act)
    {
        if (!Rules.Has(Rule.OnlyTheClaimClearsTheWakeUp))
            Table.Put(due.Id, row => row with { WakeAt = null });
        Send(new Call(CallKind.Recover, due.Id), act);
    }

    /// <summary>Compares what a silo owns with what it executes.</summary>
    private void Watch(ModelSilo silo, Act? act)
    {
        if (!Rules.Has(Rule.SilosLookAfterTheirRuns))
            return;
        foreach (var run in Runs(r => r.Owner == silo.Incarnation))
        {
            if (silo.Activations.TryGetValue(run.Id, out var activation) && (activation.HoldsClaim || !Rules.Has(Rule.SilosLookForLoopsThatHoldTheClaim)))
                continue;
            if (silo.IsDeclaredDead)
                silo.Activate(run.Id).Receive(new Call(CallKind.Recover, run.Id));
            else
                Send(new Call(CallKind.Recover, run.Id), act);
        }
    }

    /// <summary>Whether a sweep takes the run up: its owner is no member, or nobody has it and nothing will wake it.</summary>
    private bool IsLeft(RunRow run) => run.Owner is { } owner
        ? Rules.Has(Rule.DeadOwnersAreSwept) && !_silos.Exists(s => s.Incarnation == owner && !s.IsDeclaredDead)
        : Rules.Has(Rule.OwnerlessRunsAreSwept) && run is { Status: RunStatus.Running, WakeAt: null };

    private List<RunRow> Runs(Func<RunRow, bool> which) => [.. Table.Runs.Values.Select(r => r.Row).Where(which)];

    private void Crash(ModelSilo silo)
    {
        foreach (var id in _directory.Where(d => d.Value == silo).Select(d => d.Key).ToList())
            _directory.Remove(id);
        silo.Restart();
    }
}
