namespace Granary;

/// <summary>
/// Retries with exponential back-off. Failed attempts, the next time and its jitter are journaled, so the count
/// survives a crash; a crash itself is never counted. Immutable.
/// </summary>
/// <param name="MaxAttempts">All tries, the first included; at least 1. Default 3.</param>
public sealed record RetryOptions(int MaxAttempts = 3)
{
    /// <summary>One attempt.</summary>
    public static RetryOptions None { get; } = new(1);

    /// <summary>Before the second attempt. Default 1 s; zero or more.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>By how much each further delay grows. Default 2; at least 1.</summary>
    public double BackoffFactor { get; init; } = 2;

    /// <summary>The most that any delay can be, after jitter. Default 1 h.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Whether each delay is multiplied by a random 0.8 to 1.2, drawn once and journaled. Default true.</summary>
    public bool UseJitter { get; init; } = true;

    /// <summary>The limit for all attempts and delays together, in wall clock from the first attempt's start, also while no process lives. Default: none.</summary>
    public TimeSpan? TotalTimeout { get; init; }

    /// <summary>
    /// False for a failure that must not be tried again. Default: everything but <see cref="TerminalException"/> is. An
    /// attempt that ran past its limit comes as <see cref="TimeoutException"/>. One that throws itself ends the retries.
    /// </summary>
    public Func<Exception, bool>? ShouldRetry { get; init; }

    /// <summary>A delay that the failure itself asks for (HTTP's Retry-After). It replaces a shorter back-off and is not capped by <see cref="MaxDelay"/>.</summary>
    public Func<Exception, TimeSpan?>? RetryAfter { get; init; }

    /// <summary>What of these means nothing, and what would; null when all is well.</summary>
    internal (string What, string Instead)? Problem()
    {
        if (MaxAttempts < 1)
            return ($"{MaxAttempts} attempts", "at least 1");
        if (Delay < TimeSpan.Zero || MaxDelay < TimeSpan.Zero)
            return ("a negative delay", "zero or more");
        if (!(BackoffFactor >= 1) || double.IsInfinity(BackoffFactor))
            return ($"a back-off factor of {BackoffFactor}", "a finite factor of at least 1");
        if (TotalTimeout <= TimeSpan.Zero)
            return ($"a total limit of {TotalTimeout}", "a positive limit");
        return null;
    }
}
