namespace Granary;

/// <summary><c>GRN30xx</c>: the database can't be used: locked by another process, corrupt, read-only, of another schema, unreachable, or refusing the user.</summary>
/// <param name="code">The stable code.</param>
/// <param name="what">What is wrong with which database.</param>
/// <param name="remedy">What to do.</param>
/// <param name="inner">What caused it.</param>
public sealed class StoreException(string code, string what, string? remedy = null, Exception? inner = null)
    : GranaryException(code, what, remedy, inner);
