namespace Granary;

/// <summary>The API was misused: a mistake in the caller's code or input. Nothing was stored.</summary>
/// <param name="code">The stable code.</param>
/// <param name="what">What is wrong.</param>
/// <param name="remedy">What to do instead.</param>
/// <param name="inner">What caused it.</param>
public sealed class GranaryUsageException(string code, string what, string? remedy = null, Exception? inner = null)
    : GranaryException(code, what, remedy, inner);
