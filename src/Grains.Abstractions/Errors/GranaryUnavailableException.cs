namespace Granary;

/// <summary><c>GRN9001</c>: the store can't take writes now. Nothing of the call was stored; the same call may be made again.</summary>
/// <param name="what">What was refused and why.</param>
/// <param name="retryAfter">When a new try makes sense.</param>
/// <param name="inner">What caused it.</param>
public sealed class GranaryUnavailableException(string what, TimeSpan? retryAfter = null, Exception? inner = null)
    : GranaryException("GRN9001", what, "Try again with the same id.", inner)
{
    /// <summary>When a new try makes sense.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <inheritdoc/>
    public override bool IsTransient => true;
}
