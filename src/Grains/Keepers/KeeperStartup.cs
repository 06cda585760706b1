using Granary.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace Granary.Keepers;

/// <summary>
/// Sees to it that all keepers live: at the start of every silo, and again when a member dies, which is also when they
/// look for its runs at once.
/// </summary>
internal sealed partial class KeeperStartup(RunRecovery recovery, IGrainFactory grains, KeeperOptions options, IClusterMembershipService membership, ILogger<KeeperStartup> logger) : BackgroundService
{
    private const int MaxTries = 20;
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Before they are asked: who dies meanwhile is noticed.
        var dead = Dead(membership.CurrentSnapshot);

        // What the dead were running goes first: keepers would only compete with it for the processor.
        await Task.WhenAny(recovery.Begun, Task.Delay(_pause, stoppingToken)).ConfigureAwait(false);

        // Until they are there once: only then is there a reminder that brings them back.
        while (!await ForAllAsync(keeper => keeper.EnsureAsync()).ConfigureAwait(false))
            await Task.Delay(_pause, stoppingToken).ConfigureAwait(false);
        await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(stoppingToken).ConfigureAwait(false))
        {
            var now = Dead(snapshot);
            if (now.IsSubsetOf(dead))
                continue;
            dead = now;

            // The keepers of a silo that died come to life by this call; it may still go to where they were.
            for (var i = 0; i < MaxTries && !await ForAllAsync(keeper => keeper.SweepAsync()).ConfigureAwait(false); i++)
                await Task.Delay(_pause, stoppingToken).ConfigureAwait(false);
        }
    }

    private static HashSet<SiloAddress> Dead(ClusterMembershipSnapshot snapshot) =>
        [.. snapshot.Members.Values.Where(m => m.Status == SiloStatus.Dead).Select(m => m.SiloAddress)];

    /// <summary>Whether all could be reached.</summary>
    private async Task<bool> ForAllAsync(Func<IKeeperGrain, Task> call)
    {
        var reached = await Task.WhenAll(Enumerable.Range(0, options.Shards).Select(async shard =>
        {
            try
            {
                await call(grains.GetGrain<IKeeperGrain>(shard)).ConfigureAwait(false);
                return true;
            }
            catch (Exception e)
            {
                LogFailed(e, shard);
                return false;
            }
        })).ConfigureAwait(false);
        return Array.TrueForAll(reached, r => r);
    }

    [LoggerMessage(2401, LogLevel.Warning, "Keeper {Shard} couldn't be reached; its reminder brings it back.")]
    private partial void LogFailed(Exception exception, int shard);
}
