namespace Granary.Journal;

/// <summary>One recorded fact. Numbers, append id and commit time are given when its batch is built.</summary>
internal sealed record JournalRow
{
    /// <summary>The row's number in its run, dense from 1.</summary>
    public long Seq { get; set; }

    /// <summary>Which activation wrote it: counts the claims, from 1; 0 for a start that nobody has claimed.</summary>
    public required int Epoch { get; init; }

    /// <summary>64 random bits, the same for all rows of one append. The next append names them: the chain.</summary>
    public long AppendId { get; set; }

    /// <summary>One of <see cref="FactKind"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The step's structural key.</summary>
    public string? StepKey { get; init; }

    /// <summary>The step's kind.</summary>
    public string? StepKind { get; init; }

    /// <summary>The step's name; the owner's incarnation in <c>Started</c> and <c>Claimed</c>.</summary>
    public string? Name { get; init; }

    /// <summary>The attempt, from 0.</summary>
    public int Attempt { get; init; }

    /// <summary>SHA-256 over what the step depends on.</summary>
    public byte[]? Fingerprint { get; init; }

    /// <summary>The step's input, for people to read.</summary>
    public Payload? Input { get; init; }

    /// <summary>The outcome, or what else the kind carries.</summary>
    public Payload? Output { get; init; }

    /// <summary>The failure, as <see cref="RunError"/> in plain JSON.</summary>
    public byte[]? Error { get; init; }

    /// <summary>When a timer or the next attempt is due.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>When the attempt began.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>The writer's clock when it built the batch; never goes back within a run.</summary>
    public DateTimeOffset CommittedAt { get; set; }

    /// <summary>Roughly what the row costs in the queue.</summary>
    public int Bytes => 200 + (Input?.Bytes.Length ?? 0) + (Output?.Bytes.Length ?? 0) + (Error?.Length ?? 0);
}
