namespace Granary.Journal;

/// <summary>
/// What an append changes in the run's row, in the same transaction (rule: the row has one writer). All columns below
/// are set as they stand here; the rest of the row stays.
/// </summary>
internal sealed record RunChange
{
    public required RunStatus Status { get; init; }
    public string? WaitingOn { get; init; }
    public string? Owner { get; init; }
    public DateTimeOffset? WakeAt { get; init; }

    /// <summary>Added to the count of recovery attempts.</summary>
    public int RecoveryAttempts { get; init; }

    /// <summary>Why a run that hasn't ended can't go on, as <see cref="RunError"/> in plain JSON; cleared by the next change.</summary>
    public byte[]? Error { get; init; }

    /// <summary>Set only by the append that ends the run.</summary>
    public RunResult? Result { get; init; }

    /// <summary>The new deadline; null leaves it as it is, or takes it away from a run that resumes.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Whether a run that had ended goes on: its end, its result and its count of recovery attempts are cleared.</summary>
    public bool Resumes { get; init; }

    /// <summary>Whether this append is the first that executes the run: sets the start time where there is none.</summary>
    public bool Starts { get; init; }
}

/// <summary>How a run ended.</summary>
/// <param name="Output">The result.</param>
/// <param name="Error">The failure, as <see cref="RunError"/> in plain JSON.</param>
internal sealed record RunResult(Payload? Output, byte[]? Error);
