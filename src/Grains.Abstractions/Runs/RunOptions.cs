namespace Granary;

/// <summary>How a run starts. Immutable.</summary>
public sealed record RunOptions
{
    /// <summary>The run's id, unique in the database; the same id again gives the same run. Default: a new UUID (version 7).</summary>
    public RunId? Id { get; init; }

    /// <summary>
    /// How long the run may take, counted from its first execution; then it is cancelled, also when nobody executes it at that
    /// moment. Positive. Default null: what <see cref="WorkflowOptions.Timeout"/> says; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: no limit.
    /// </summary>
    public TimeSpan? Timeout { get; init; }
}
