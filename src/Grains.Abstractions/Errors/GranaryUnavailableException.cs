namespace Granary;

/// <summary><c>GRN9001</c>: the store can't take writes now or didn't confirm in time, or no silo answered. The same call may be made again, with the same id.</summary>
public sealed class GranaryUnavailableException : GranaryException
{
    /// <summary>Makes the error.</summary>
    /// <param name="what">What was refused and why.</param>
    /// <param name="retryAfter">When a new try makes sense.</param>
    /// <param name="inner">What caused it.</param>
    public GranaryUnavailableException(string what, TimeSpan? retryAfter = null, Exception? inner = null)
        : base("GRN9001", what, "Try again with the same id.", inner)
    {
        IsTransient = true;
        RetryAfter = retryAfter;
    }

    /// <summary>When a new try makes sense.</summary>
    public TimeSpan? RetryAfter { get; }
}
