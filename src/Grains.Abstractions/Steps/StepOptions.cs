namespace Granary;

/// <summary>How a step runs. Immutable.</summary>
public sealed record StepOptions
{
    internal static StepOptions Default { get; } = new();

    /// <summary>When and how often a failed attempt is tried again. Default: one attempt; or what <see cref="GranaryOptions.Retry"/> says.</summary>
    public RetryOptions? Retry { get; init; }

    /// <summary>The limit of one attempt; positive. Default: none. An attempt past it fails with <see cref="StepTimeoutException"/> and may be retried.</summary>
    public TimeSpan? Timeout { get; init; }
}
