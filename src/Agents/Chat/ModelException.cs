namespace Granary;

/// <summary>A call to a model failed. <see cref="GranaryException.Code"/> says how, <see cref="GranaryException.IsTransient"/> whether trying again can help.</summary>
/// <remarks>
/// The message begins with the code, says what happened and what to do; it never holds the key or the prompt.
/// Every code is explained in <c>docs/models.md</c>. Instances are immutable and safe to share between threads.
/// </remarks>
public sealed class ModelException : GranaryException
{
    /// <summary>Creates the error; its message is the code, what happened and the remedy, in that order.</summary>
    /// <param name="code">The stable code, <c>GRN2201</c> to <c>GRN2211</c>; it never changes its meaning.</param>
    /// <param name="what">What happened, as whole sentences, without key and prompt.</param>
    /// <param name="remedy">What the reader can do about it, as whole sentences; null when nothing is known.</param>
    /// <param name="innerException">The cause, if it is an exception.</param>
    public ModelException(string code, string what, string? remedy = null, Exception? innerException = null)
        : base(code, what, remedy, innerException)
    {
    }

    /// <summary>The HTTP status of the answer, or null when there was none.</summary>
    public int? Status { get; init; }

    /// <summary>The provider's own name for the failure, such as <c>RESOURCE_EXHAUSTED</c> or <c>SAFETY</c>; null when it gave none.</summary>
    public string? ProviderStatus { get; init; }

    /// <summary>How long the provider asks to wait before the next try; null when it named no delay.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
