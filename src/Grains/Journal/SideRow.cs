namespace Granary.Journal;

/// <summary>
/// What an append writes beside its rows and in the same transaction: to tables that are searched without a run's journal.
/// The chain guards it, so that one activation alone decides: a row that is there already is left as it is.
/// </summary>
internal abstract record SideRow;

/// <summary>The key of a signal that was accepted: kept as long as the run's id exists, so that a sender who asks again is answered.</summary>
/// <param name="RunId">The run's id.</param>
/// <param name="Key">The sender's idempotency key.</param>
/// <param name="Topic">What it was sent to.</param>
internal sealed record SignalKeyRow(string RunId, string Key, string Topic) : SideRow;

/// <summary>A named value that the run's code has set.</summary>
/// <param name="RunId">The run's id.</param>
/// <param name="Name">The value's name.</param>
/// <param name="StepKey">The step that set it.</param>
/// <param name="Value">The value.</param>
internal sealed record EventRow(string RunId, string Name, string StepKey, Payload Value) : SideRow;

/// <summary>An approval that a run asks for.</summary>
internal sealed record ApprovalRow : SideRow
{
    public required string Id { get; init; }
    public required string RunId { get; init; }
    public required string Workflow { get; init; }
    public required string StepKey { get; init; }
    public required string Question { get; init; }

    /// <summary>Exactly what would be executed.</summary>
    public Payload? Arguments { get; init; }

    /// <summary>SHA-256 over the canonical JSON of the arguments.</summary>
    public byte[]? Hash { get; init; }

    /// <summary>Who may decide: a JSON array of users and <c>role:</c> names; null for anyone.</summary>
    public string? Deciders { get; init; }

    public bool AllowsEdits { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>The first answer to an approval, or its expiry.</summary>
internal sealed record ApprovalClosedRow : SideRow
{
    public required string Id { get; init; }

    /// <summary><c>approved</c>, <c>rejected</c> or <c>expired</c>.</summary>
    public required string Decision { get; init; }

    public string? By { get; init; }
    public string? Comment { get; init; }

    /// <summary>What to execute instead; null for what was asked.</summary>
    public Payload? EditedArguments { get; init; }
}

/// <summary>A side row in its unit.</summary>
/// <param name="Row">The row.</param>
/// <param name="Seq">The number of the last row of its append.</param>
/// <param name="At">When that is committed.</param>
internal readonly record struct UnitSide(SideRow Row, long Seq, DateTimeOffset At);

/// <summary>An approval as it is listed.</summary>
/// <param name="Asked">What was asked.</param>
/// <param name="AskedAt">When.</param>
/// <param name="Closed">How it was decided; null while it is open.</param>
/// <param name="ClosedAt">When.</param>
internal sealed record StoredApproval(ApprovalRow Asked, DateTimeOffset AskedAt, ApprovalClosedRow? Closed, DateTimeOffset? ClosedAt);

/// <summary>A value that was set, and where in the journal.</summary>
internal sealed record StoredEvent(long Seq, string StepKey, Payload Value, DateTimeOffset At);
