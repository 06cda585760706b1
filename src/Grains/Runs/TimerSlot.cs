using Granary.Engine;
using Granary.Journal;

namespace Granary.Runs;

/// <summary>A sleep.</summary>
internal sealed class TimerSlot(StepKey key, StepRecord? record) : StepSlot<None>(key, StepKinds.Timer, "sleep", record)
{
    public override bool MustBegin => Record?.Timer is null;

    public override JournalRow Begin(int epoch) => StepRows.TimerStarted(this, epoch);
}
