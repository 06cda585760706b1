using System.Text.Json;

namespace Granary;

/// <summary>
/// <c>GRN1301</c>: a step failed, as workflow code sees it: the same live and on replay, so never the original exception
/// object; <see cref="Is{TException}"/> tells its type.
/// </summary>
public class StepFailedException : GranaryException
{
    internal StepFailedException(StepKey step, string name, RunError error, IReadOnlyList<RunError> attempts)
        : this("GRN1301", step, name, error, attempts)
    {
    }

    private protected StepFailedException(string code, StepKey step, string name, RunError error, IReadOnlyList<RunError> attempts)
        : base(code, $"Step '{name}' ({step}) failed{(attempts.Count > 1 ? $" after {attempts.Count} attempts" : "")}: {error.Type}: {error.Message}")
    {
        Step = step;
        Error = error;
        Attempts = attempts;
    }

    /// <summary>The step.</summary>
    public StepKey Step { get; }

    /// <summary>The last attempt's failure.</summary>
    public RunError Error { get; }

    /// <summary>The failures of all attempts, in order.</summary>
    public IReadOnlyList<RunError> Attempts { get; }

    /// <summary>Whether the last failure was of that type or of a type derived from it.</summary>
    /// <typeparam name="TException">The exception type.</typeparam>
    public bool Is<TException>()
        where TException : Exception => Error.Is<TException>();

    /// <summary>What the <see cref="TerminalException"/> carried, or default.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    public T? Details<T>() => Error.Details is { } details ? details.Deserialize<T>(JsonSerializerOptions.Web) : default;
}

/// <summary><c>GRN1302</c>: the last attempt ran past its time limit.</summary>
public sealed class StepTimeoutException : StepFailedException
{
    internal StepTimeoutException(StepKey step, string name, RunError error, IReadOnlyList<RunError> attempts)
        : base("GRN1302", step, name, error, attempts)
    {
    }
}
