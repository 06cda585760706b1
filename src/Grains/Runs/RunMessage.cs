using Granary.Journal;

namespace Granary.Runs;

/// <summary>What bodies, timers and the writer leave for the pump.</summary>
internal sealed record RunMessage(RunMessageKind Kind)
{
    public Append? Append { get; init; }

    public UnitOutcome Outcome { get; init; }

    public StepSlot? Slot { get; init; }

    public Exception? Failure { get; init; }
}

internal enum RunMessageKind
{
    Appended,
    BodyFailed,
    TimerFired,
    DeadlinePassed,
    SiloMissing,
    SiloFound,
    Release,
    Lost,
}
