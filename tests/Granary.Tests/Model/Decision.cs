using Granary.Engine;
using Granary.Journal;
using Granary.Runs;

namespace Granary.Tests.Model;

/// <summary>What an activation does next, once its code has come to rest.</summary>
internal abstract record Decision
{
    /// <summary>Nothing, until something comes.</summary>
    public sealed record Wait : Decision;

    /// <summary>Records a fact and goes on under the claim.</summary>
    public sealed record Record(JournalRow Row, RunChange? Change, string? Child) : Decision;

    /// <summary>Records its last fact and leaves. Nothing may be queued behind it.</summary>
    public sealed record Leave(JournalRow[] Rows, RunChange Change, bool Continues = false) : Decision;

    /// <summary>The decision, by the journal alone.</summary>
    public static Decision Of(RunView view, Script script, int epoch, string owner, string id, DateTimeOffset now)
    {
        if (view.End is not null)
            return new Wait();
        if (view.IsCancelled)
            return End(FactKind.Cancelled, RunStatus.Cancelled, epoch);

        // Only a broken journal has more generations or steps than the script.
        var ops = view.Generation < script.Generations.Length ? script.Generations[view.Generation] : [];
        var place = view.History.Outcomes.Count;
        if (place >= ops.Length)
        {
            return view.Generation + 1 >= script.Generations.Length
                ? End(FactKind.Succeeded, RunStatus.Succeeded, epoch)
                : new Leave([Fact(ModelFact.ContinuedAsNew, epoch)], Running(owner), Continues: true);
        }

        var key = $"a{place + 1}";
        var child = $"{id}/{view.Generation}{key}";
        switch (ops[place])
        {
            case Op.Step:
                return new Record(Outcome(key, "step", epoch), null, null);
            case Op.Signal when view.Signals.Count > view.Taken:
                return new Record(Outcome(key, ModelFact.SignalStep, epoch), null, null);
            case Op.Signal:
                return Park([], null, "signal", epoch);
            case Op.Child when !view.HasStarted(child):
                return new Record(Fact(ModelFact.ChildStarted, epoch, child), null, child);
            case Op.Child when view.HasResult(child):
                return new Record(Outcome(key, "child", epoch), null, null);
            case Op.Child:
                return Park([], null, "child", epoch);
        }

        var timer = view.History.Find(new StepKey(key))?.Timer;
        if (timer?.DueAt <= now)
            return new Record(Outcome(key, StepKinds.Timer, epoch), Running(owner), null);
        if (timer is not null)
            return Park([], timer.DueAt, "timer", epoch);
        var due = now.AddSeconds(2);
        var begun = new JournalRow { Kind = FactKind.TimerStarted, Epoch = epoch, StepKey = key, StepKind = StepKinds.Timer, Name = "sleep", DueAt = due };
        return ops[place] == Op.Sleep
            ? Park([begun], due, "timer", epoch)
            : new Record(begun, new RunChange { Status = RunStatus.Waiting, WaitingOn = "timer", Owner = owner, WakeAt = due }, null);
    }

    public static RunChange Running(string owner) => new() { Status = RunStatus.Running, Owner = owner };

    public static JournalRow Fact(string kind, int epoch, string? name = null) => new() { Kind = kind, Epoch = epoch, Name = name };

    private static JournalRow Outcome(string key, string kind, int epoch) =>
        new() { Kind = FactKind.StepSucceeded, Epoch = epoch, StepKey = key, StepKind = kind, Name = kind };

    private static Leave Park(JournalRow[] before, DateTimeOffset? due, string on, int epoch) => new(
        [.. before, new JournalRow { Kind = FactKind.Parked, Epoch = epoch, DueAt = due }],
        new RunChange { Status = RunStatus.Waiting, WaitingOn = on, WakeAt = due });

    private static Leave End(string kind, RunStatus status, int epoch) =>
        new([Fact(kind, epoch)], new RunChange { Status = status, Result = new RunResult(null, null) });
}
