namespace Granary;

/// <summary>Where a run stands.</summary>
public enum RunStatus
{
    /// <summary>Waits for its start time.</summary>
    Delayed,

    /// <summary>Waits in its queue.</summary>
    Queued,

    /// <summary>A silo executes it, or is about to.</summary>
    Running,

    /// <summary>All it could do waits; see <see cref="RunInfo.WaitingOn"/>.</summary>
    Waiting,

    /// <summary>Returned.</summary>
    Succeeded,

    /// <summary>Threw.</summary>
    Failed,

    /// <summary>Was cancelled.</summary>
    Cancelled,

    /// <summary>Its owner died too often without a step being recorded in between.</summary>
    Poisoned,
}
