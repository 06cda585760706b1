using Orleans.Concurrency;

namespace Granary.Grains;

/// <summary>
/// Looks after a share of the runs: wakes those whose time has come, and hands those of dead owners to the living. Held up
/// by one reminder, so whatever dies, it is alive again within about a minute. An implementation detail.
/// </summary>
[Alias("granary.IKeeperGrain")]
internal interface IKeeperGrain : IGrainWithIntegerKey
{
    /// <summary>Makes sure that it is alive and has its reminder.</summary>
    [Alias("Ensure")]
    Task EnsureAsync();

    /// <summary>A run was parked.</summary>
    [Alias("Tell")]
    [AlwaysInterleave]
    Task TellAsync(string id, DateTimeOffset due);

    /// <summary>Looks at once for runs of dead owners.</summary>
    [Alias("Sweep")]
    Task SweepAsync();
}
