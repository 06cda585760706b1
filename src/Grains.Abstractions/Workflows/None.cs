namespace Granary;

/// <summary>No input or no output: <c>Workflow&lt;None, string&gt;</c>, <c>StartAsync(None.Value)</c>.</summary>
public readonly record struct None
{
    /// <summary>The only value.</summary>
    public static None Value => default;
}
