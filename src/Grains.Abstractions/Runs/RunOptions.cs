namespace Granary;

/// <summary>How a run starts. Immutable.</summary>
public sealed record RunOptions
{
    /// <summary>The run's id, unique in the database; the same id again gives the same run. Default: a new UUID (version 7).</summary>
    public RunId? Id { get; init; }
}
