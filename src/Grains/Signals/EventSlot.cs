using Granary.Engine;
using Granary.Journal;
using Granary.Runs;

namespace Granary.Signals;

/// <summary>A value that the code sets down for others to read. Its record is the deed.</summary>
internal sealed class EventSlot(StepKey key, string name, byte[] value, PayloadCodec codec, StepRecord? record) : StepSlot<None>(key, StepKinds.Event, name, record)
{
    public override byte[]? TakeInstant() => value;

    public override SideRow? Side(RunRow run) => new EventRow(run.Id, Name, Key.Value, codec.Encode(value));

    protected override None Read(byte[] output, PayloadCodec codec) => None.Value;
}
