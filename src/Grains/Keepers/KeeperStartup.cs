using Granary.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace Granary.Keepers;

/// <summary>
/// Sees to it that all keepers live: at the start of every silo, and again when a member dies, which is also when they
/// look for its runs at once.
/// </summary>
internal sealed partial class KeeperStartup(IGrainFactory grains, KeeperOptions options, IClusterMembershipService membership, ILogger<KeeperStartup> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ForAllAsync(keeper => keeper.EnsureAsync()).ConfigureAwait(false);
        var dead = Dead(membership.CurrentSnapshot);
        await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(stoppingToken).ConfigureAwait(false))
        {
            var now = Dead(snapshot);
            if (now.IsSubsetOf(dead))
                continue;
            dead = now;
            await ForAllAsync(keeper => keeper.SweepAsync()).ConfigureAwait(false);
        }
    }

    private static HashSet<SiloAddress> Dead(ClusterMembershipSnapshot snapshot) =>
        [.. snapshot.Members.Values.Where(m => m.Status == SiloStatus.Dead).Select(m => m.SiloAddress)];

    private Task ForAllAsync(Func<IKeeperGrain, Task> call) => Task.WhenAll(Enumerable.Range(0, options.Shards).Select(async shard =>
    {
        try
        {
            await call(grains.GetGrain<IKeeperGrain>(shard)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LogFailed(e, shard);
        }
    }));

    [LoggerMessage(2401, LogLevel.Warning, "Keeper {Shard} couldn't be reached; its reminder brings it back.")]
    private partial void LogFailed(Exception exception, int shard);
}
