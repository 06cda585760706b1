namespace Granary;

/// <summary>One attempt of a step, as it is recorded.</summary>
/// <param name="Sequence">The row's number in the run's journal: the order of completion.</param>
/// <param name="Key">The step's structural key.</param>
/// <param name="Kind"><c>llm tool step timer random</c>.</param>
/// <param name="Name">The step's name.</param>
/// <param name="Attempt">Counts from 0.</param>
/// <param name="Status">How the attempt ended.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="Duration">How long it took; null while it runs.</param>
/// <param name="Epoch">The claim under which it was recorded.</param>
/// <param name="Error">Why it failed.</param>
public sealed record StepInfo(
    long Sequence, StepKey Key, string Kind, string Name, int Attempt, StepStatus Status, DateTimeOffset StartedAt, TimeSpan? Duration, int Epoch, RunError? Error);

/// <summary>How a step's attempt stands.</summary>
public enum StepStatus
{
    /// <summary>Its body runs, or ran when its process died.</summary>
    Running,

    /// <summary>Returned.</summary>
    Succeeded,

    /// <summary>Failed, and was not tried again.</summary>
    Failed,

    /// <summary>Failed, and was tried again.</summary>
    Retried,

    /// <summary>Was cancelled.</summary>
    Cancelled,

    /// <summary>A crash left open whether it happened.</summary>
    Unknown,
}
