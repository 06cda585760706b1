namespace Granary;

/// <summary>A value can't be stored or read: <c>GRN1601</c> too large, <c>GRN1602</c> not serialisable, <c>GRN1603</c> not readable.</summary>
/// <param name="code">The stable code.</param>
/// <param name="what">What value, and what is wrong.</param>
/// <param name="remedy">What to do.</param>
/// <param name="inner">What caused it.</param>
public sealed class PayloadException(string code, string what, string? remedy, Exception? inner = null)
    : GranaryException(code, what, remedy, inner);
