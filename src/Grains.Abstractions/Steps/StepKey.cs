namespace Granary;

/// <summary>
/// A step's structural place in its run: counters of nested scopes, each prefixed by a letter that tells its number of
/// digits (a = 1), so that keys sort in structural order as text: <c>a3</c>, <c>a3/a1</c>, <c>b12</c>.
/// </summary>
/// <param name="Value">The text.</param>
public readonly record struct StepKey(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}
