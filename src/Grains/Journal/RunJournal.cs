namespace Granary.Journal;

/// <summary>
/// One activation's hold on a run's journal: the end of the chain as this activation knows it. Once an append of it is
/// refused, everything that it has queued is refused too.
/// </summary>
internal sealed class RunJournal(long runKey, int epoch)
{
    private volatile bool _isRefused;

    public long RunKey { get; } = runKey;

    /// <summary>Counts the activations that claimed the run.</summary>
    public int Epoch { get; } = epoch;

    public bool IsRefused => _isRefused;

    // The chain's end; touched by the writer's thread only.
    public long Seq { get; set; }

    public long AppendId { get; set; }

    public DateTimeOffset CommittedAt { get; set; }

    public static RunJournal After(long runKey, int epoch, JournalHead head) =>
        new(runKey, epoch) { Seq = head.Seq, AppendId = head.AppendId, CommittedAt = head.CommittedAt };

    public void Refuse() => _isRefused = true;
}
