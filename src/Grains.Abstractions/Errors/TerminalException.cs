namespace Granary;

/// <summary>Thrown by step bodies and tools: this failure must not be tried again.</summary>
/// <param name="message">What happened.</param>
public sealed class TerminalException(string message) : Exception(message)
{
    /// <summary>A code of the thrower's own.</summary>
    public string? Code { get; init; }

    /// <summary>Data for the workflow; recorded as JSON.</summary>
    public object? Details { get; init; }
}
