namespace Granary.Journal;

/// <summary>A run as its row has it.</summary>
internal sealed record RunRow
{
    public required long Key { get; init; }
    public required string Id { get; init; }
    public required string Workflow { get; init; }
    public required int WorkflowVersion { get; init; }

    /// <summary>The build that started it.</summary>
    public required string Version { get; init; }

    public required RunStatus Status { get; init; }
    public string? WaitingOn { get; init; }

    /// <summary>The silo incarnation that executes it, never a name; null when nobody does.</summary>
    public string? Owner { get; init; }

    /// <summary>When a keeper must wake it.</summary>
    public DateTimeOffset? WakeAt { get; init; }

    /// <summary>When it is cancelled if it hasn't ended.</summary>
    public DateTimeOffset? Deadline { get; init; }

    public int RecoveryAttempts { get; init; }
    public required Payload Input { get; init; }
    public Payload? Output { get; init; }

    /// <summary>The failure, as <see cref="RunError"/> in plain JSON.</summary>
    public byte[]? Error { get; init; }

    public string? TraceParent { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? CompletedAt { get; init; }
}
