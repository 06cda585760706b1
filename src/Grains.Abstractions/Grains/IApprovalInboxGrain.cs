using Orleans.Concurrency;

namespace Granary.Grains;

/// <summary>Reads the approvals of all runs for clients that have no access to the database. An implementation detail: use <see cref="IGranaryClient"/>.</summary>
[Alias("granary.IApprovalInboxGrain")]
internal interface IApprovalInboxGrain : IGrainWithIntegerKey
{
    /// <summary>Open approvals, the oldest first, behind the last one of the page before.</summary>
    [Alias("List")]
    Task<IReadOnlyList<ApprovalFact>> ListAsync(string? run, string? workflow, ApprovalFact? after, int limit);

    /// <summary>The approval with that id; null when there is none.</summary>
    [Alias("Find")]
    Task<ApprovalFact?> FindAsync(string id);
}

/// <summary>An approval as it is stored.</summary>
[GenerateSerializer, Immutable, Alias("granary.ApprovalFact")]
internal sealed record ApprovalFact
{
    [Id(0)] public required string Id { get; init; }
    [Id(1)] public required string Run { get; init; }
    [Id(2)] public required string Workflow { get; init; }
    [Id(3)] public required string Question { get; init; }
    [Id(4)] public byte[]? Arguments { get; init; }
    [Id(5)] public DateTimeOffset AskedAt { get; init; }
    [Id(6)] public DateTimeOffset? ExpiresAt { get; init; }
    [Id(7)] public IReadOnlyList<string> Deciders { get; init; } = [];

    /// <summary>The answer; null while it is open.</summary>
    [Id(8)] public DecisionFact? Decision { get; init; }
}

/// <summary>An answer that stands.</summary>
[GenerateSerializer, Immutable, Alias("granary.DecisionFact")]
internal sealed record DecisionFact(
    [property: Id(0)] ApprovalDecision Decision,
    [property: Id(1)] string? By,
    [property: Id(2)] string? Comment,
    [property: Id(3)] byte[]? EditedArguments,
    [property: Id(4)] DateTimeOffset At);

/// <summary>An answer that is given.</summary>
[GenerateSerializer, Immutable, Alias("granary.DecisionMessage")]
internal sealed record DecisionMessage(
    [property: Id(0)] string Approval,
    [property: Id(1)] bool Approve,
    [property: Id(2)] byte[]? Arguments,
    [property: Id(3)] string? Comment,
    [property: Id(4)] string? By,
    [property: Id(5)] IReadOnlyList<string> Roles);

/// <summary>What an answer came to.</summary>
/// <param name="Refusal">Why it wasn't accepted; null when it was, or when another was first.</param>
/// <param name="First">The answer that was first; null when this one stands.</param>
/// <param name="IsLeaving">Whether this activation is going and did nothing: the next one must be asked.</param>
[GenerateSerializer, Immutable, Alias("granary.DecisionReply")]
internal sealed record DecisionReply(
    [property: Id(0)] Refusal? Refusal,
    [property: Id(1)] DecisionFact? First,
    [property: Id(2)] bool IsLeaving = false);
