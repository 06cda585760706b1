namespace Granary;

/// <summary>
/// <c>GRN1305</c>: a step's body failed on another silo, as <see cref="RetryOptions.ShouldRetry"/> and
/// <see cref="RetryOptions.RetryAfter"/> see it: the exception itself stays where it was thrown. Workflow code sees
/// <see cref="StepFailedException"/>, as always. <see cref="GranaryException.IsTransient"/> is what the silo that ran the body
/// found. Immutable.
/// </summary>
public sealed class ActivityFailedException : GranaryException
{
    internal ActivityFailedException(RunError error, bool isTerminal, bool isTransient, TimeSpan? retryAfter)
        : base("GRN1305", $"{error.Type}: {error.Message}")
    {
        Error = error;
        IsTerminal = isTerminal;
        IsTransient = isTransient;
        RetryAfter = retryAfter;
    }

    /// <summary>What was thrown there: type, message and details, as workflow code will see them.</summary>
    public RunError Error { get; }

    /// <summary>The delay that the failure asked for; null: none.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>Whether it must not be tried again.</summary>
    internal bool IsTerminal { get; }

    /// <summary>Whether what was thrown is of that type or of a type derived from it.</summary>
    /// <typeparam name="TException">The exception type.</typeparam>
    public bool Is<TException>()
        where TException : Exception => Error.Is<TException>();
}
