using System.Text.Json;

namespace Granary;

/// <summary>A run as the database has it.</summary>
public sealed record RunInfo
{
    /// <summary>The id.</summary>
    public required RunId Id { get; init; }

    /// <summary>The workflow's name.</summary>
    public required string Workflow { get; init; }

    /// <summary>The version of the workflow's class.</summary>
    public int WorkflowVersion { get; init; } = 1;

    /// <summary>The version of the build that started it.</summary>
    public string ApplicationVersion { get; init; } = "";

    /// <summary>Where it stands.</summary>
    public RunStatus Status { get; init; }

    /// <summary>What a waiting run waits on: <c>timer</c>, <c>signal</c>, <c>approval</c>, <c>silo</c> or <c>version</c>.</summary>
    public string? WaitingOn { get; init; }

    /// <summary>Why it failed.</summary>
    public RunError? Error { get; init; }

    /// <summary>How often it was claimed because its owner had died.</summary>
    public int RecoveryAttempts { get; init; }

    /// <summary>When it is cancelled if it hasn't ended; null: never.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>When the start was committed.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it first executed.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>The input, where it is stored as plain JSON.</summary>
    public JsonElement? Input { get; init; }

    /// <summary>The result, where it is stored as plain JSON.</summary>
    public JsonElement? Output { get; init; }

    /// <summary>True when the run has ended, however it ended.</summary>
    public bool HasEnded => Status is RunStatus.Succeeded or RunStatus.Failed or RunStatus.Cancelled or RunStatus.Poisoned;
}
