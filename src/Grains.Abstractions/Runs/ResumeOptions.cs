namespace Granary;

/// <summary>How a run goes on that was cancelled or poisoned.</summary>
public sealed record ResumeOptions
{
    /// <summary>How long it may take from now on; positive. Default null: as long as it had at first; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: no limit.</summary>
    public TimeSpan? Timeout { get; init; }
}
