using Granary.Engine;
using Granary.Journal;
using Granary.Runs;

namespace Granary.Signals;

/// <summary>A wait for a signal; one with a limit records when it ends, so that a restart neither shortens nor lengthens it.</summary>
internal sealed class SignalSlot<T>(StepKey key, string topic, StepRecord? record) : StepSlot<Signal<T>?>(key, StepKinds.Signal, topic, record)
{
    public override bool IsForMessage => true;

    public override bool MustBegin => Due is not null && Record?.Timer is null;

    public override JournalRow Begin(int epoch) => StepRows.WaitStarted(this, epoch);

    protected override Signal<T>? Read(byte[] output, PayloadCodec codec) => Mail.Read<T>(output, codec.Values);
}
