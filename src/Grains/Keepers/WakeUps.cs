using Granary.Grains;
using Granary.Journal;
using Granary.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Granary.Keepers;

/// <inheritdoc/>
internal sealed partial class WakeUps(IGrainFactory grains, KeeperOptions options, [FromKeyedServices(StoreClock.Key)] TimeProvider time, ILogger<WakeUps> logger) : IWakeUps
{
    public async Task TellAsync(long key, string id, DateTimeOffset due)
    {
        // Further away than a keeper's next look: it will find the row by itself.
        while (due - time.GetUtcNow() < KeeperOptions.ReadEvery + TimeSpan.FromSeconds(5))
        {
            try
            {
                await grains.GetGrain<IKeeperGrain>(RunShard.Of(key, options.Shards).Index).TellAsync(id, due);
                return;
            }
            catch (Exception e)
            {
                LogFailed(e, id);
                if (due < time.GetUtcNow())
                    return;
                await Task.Delay(TimeSpan.FromMilliseconds(500), time);
            }
        }
    }

    [LoggerMessage(2301, LogLevel.Warning, "The keeper of run '{RunId}' couldn't be told when to wake it; it is told again.")]
    private partial void LogFailed(Exception exception, string runId);
}
