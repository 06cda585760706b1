namespace Granary;

/// <summary>
/// Makes a property, or a method without parameters, of a workflow class readable from outside while its runs exist:
/// <see cref="RunHandle.QueryAsync{T}(string, CancellationToken)"/>. It must only read: it runs between two turns of the run's
/// code, and on a copy of the run that is made by replay where nobody executes it.
/// </summary>
/// <param name="name">What it is asked by; default null: the member's name.</param>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Method)]
public sealed class QueryAttribute(string? name = null) : Attribute
{
    /// <summary>What it is asked by, or null for the member's name.</summary>
    public string? Name { get; } = name;
}
