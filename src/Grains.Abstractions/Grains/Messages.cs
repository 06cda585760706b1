namespace Granary.Grains;

/// <summary>A start. User data crosses as JSON bytes.</summary>
[GenerateSerializer, Immutable, Alias("granary.StartRequest")]
internal sealed record StartRequest(
    [property: Id(0)] string Workflow,
    [property: Id(1)] byte[] Input,
    [property: Id(2)] string? TraceParent,
    [property: Id(3)] TimeSpan? Timeout = null);

/// <summary>What a start came to.</summary>
[GenerateSerializer, Immutable, Alias("granary.StartReply")]
internal sealed record StartReply(
    [property: Id(0)] bool IsNew,
    [property: Id(1)] bool InputDiffers,
    [property: Id(2)] string? ConflictingWorkflow,
    [property: Id(3)] Refusal? Refusal);

/// <summary>An error that crosses a grain call as data, so that it arrives whole.</summary>
[GenerateSerializer, Immutable, Alias("granary.Refusal")]
internal sealed record Refusal(
    [property: Id(0)] string Code,
    [property: Id(1)] string What,
    [property: Id(2)] string? Remedy,
    [property: Id(3)] TimeSpan? RetryAfter);

/// <summary>A signal. User data crosses as JSON bytes.</summary>
[GenerateSerializer, Immutable, Alias("granary.SignalMessage")]
internal sealed record SignalMessage(
    [property: Id(0)] string Topic,
    [property: Id(1)] string Key,
    [property: Id(2)] string? From,
    [property: Id(3)] byte[] Value);

/// <summary>What a message to a run came to.</summary>
/// <param name="Status">How the run stands; null when there is none.</param>
/// <param name="Refusal">Why it wasn't accepted; null when it was.</param>
/// <param name="IsLeaving">Whether this activation is going and did nothing: the next one must be asked.</param>
[GenerateSerializer, Immutable, Alias("granary.CallReply")]
internal sealed record CallReply(
    [property: Id(0)] RunStatus? Status,
    [property: Id(1)] Refusal? Refusal,
    [property: Id(2)] bool IsLeaving = false);

/// <summary>A query's value.</summary>
/// <param name="Exists">Whether there is such a run.</param>
/// <param name="Value">The value, as JSON.</param>
/// <param name="Refusal">Why there is none.</param>
[GenerateSerializer, Immutable, Alias("granary.QueryReply")]
internal sealed record QueryReply(
    [property: Id(0)] bool Exists,
    [property: Id(1)] byte[]? Value,
    [property: Id(2)] Refusal? Refusal);

/// <summary>A named value, if there is one.</summary>
[GenerateSerializer, Immutable, Alias("granary.EventReply")]
internal sealed record EventReply(
    [property: Id(0)] bool Exists,
    [property: Id(1)] bool HasEnded,
    [property: Id(2)] EventFact? Event);

/// <summary>A value that a run has set.</summary>
[GenerateSerializer, Immutable, Alias("granary.EventFact")]
internal sealed record EventFact(
    [property: Id(0)] long Sequence,
    [property: Id(1)] string StepKey,
    [property: Id(2)] byte[] Value,
    [property: Id(3)] DateTimeOffset At);

/// <summary>Why a run is claimed.</summary>
[GenerateSerializer, Alias("granary.RecoverReason")]
internal enum RecoverReason
{
    /// <summary>Its owner died; charged as a recovery attempt.</summary>
    OwnerDied,

    /// <summary>Its owner handed it over, or it waited for this; nothing is charged.</summary>
    Due,
}

/// <summary>How a run ended.</summary>
[GenerateSerializer, Immutable, Alias("granary.RunEnd")]
internal sealed record RunEnd(
    [property: Id(0)] RunStatus Status,
    [property: Id(1)] byte[]? Output,
    [property: Id(2)] byte[]? Error);

/// <summary>A run's row.</summary>
[GenerateSerializer, Immutable, Alias("granary.RunSnapshot")]
internal sealed record RunSnapshot
{
    [Id(0)] public required string Id { get; init; }
    [Id(1)] public required string Workflow { get; init; }
    [Id(2)] public int WorkflowVersion { get; init; }
    [Id(3)] public string Version { get; init; } = "";
    [Id(4)] public RunStatus Status { get; init; }
    [Id(5)] public string? WaitingOn { get; init; }
    [Id(6)] public byte[]? Input { get; init; }
    [Id(7)] public byte[]? Output { get; init; }
    [Id(8)] public byte[]? Error { get; init; }
    [Id(9)] public int RecoveryAttempts { get; init; }
    [Id(10)] public DateTimeOffset CreatedAt { get; init; }
    [Id(11)] public DateTimeOffset? StartedAt { get; init; }
    [Id(12)] public DateTimeOffset? CompletedAt { get; init; }
    [Id(13)] public DateTimeOffset? Deadline { get; init; }
}

/// <summary>Journal rows in order, and whether the run has ended with the last of them.</summary>
[GenerateSerializer, Immutable, Alias("granary.JournalPage")]
internal sealed record JournalPage(
    [property: Id(0)] IReadOnlyList<JournalFact> Facts,
    [property: Id(1)] bool Exists,
    [property: Id(2)] bool HasEnded);

/// <summary>A journal row without its payloads.</summary>
[GenerateSerializer, Immutable, Alias("granary.JournalFact")]
internal sealed record JournalFact(
    [property: Id(0)] long Sequence,
    [property: Id(1)] string Kind,
    [property: Id(2)] int Epoch,
    [property: Id(3)] string? StepKey,
    [property: Id(4)] string? StepKind,
    [property: Id(5)] string? Name,
    [property: Id(6)] int Attempt,
    [property: Id(7)] byte[]? Error,
    [property: Id(8)] DateTimeOffset? StartedAt,
    [property: Id(9)] DateTimeOffset CommittedAt);
