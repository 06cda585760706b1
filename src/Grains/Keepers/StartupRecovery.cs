using Granary.Grains;
using Granary.Journal;
using Granary.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Orleans.Runtime.Placement;

namespace Granary.Keepers;

/// <summary>
/// A process at its start tries what waits for another version: it may be of that one. A process that is alone also takes
/// up what its predecessor was running; in a cluster the keepers know whose owners are dead.
/// </summary>
internal sealed partial class StartupRecovery(RunServices shared, IGrainFactory grains, KeeperOptions options, ILocalSiloDetails silo, ILogger<StartupRecovery> logger) : BackgroundService
{
    private const int Concurrency = 64;
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var wait = _firstPause; !await TakeUpAsync(stoppingToken).ConfigureAwait(false); wait = wait < _longestPause ? wait * 2 : wait)
            await Task.Delay(wait, shared.Time, stoppingToken).ConfigureAwait(false);
    }

    /// <summary>False when something couldn't be read or taken up: the same search finds it again.</summary>
    private async Task<bool> TakeUpAsync(CancellationToken stoppingToken)
    {
        var (count, failed) = (0, 0);
        try
        {
            await foreach (var page in shared.Store.FindOrphansAsync(options.IsAlone ? shared.Incarnation : null, stoppingToken).ConfigureAwait(false))
            {
                await Parallel.ForEachAsync(page, new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = stoppingToken }, async (run, stop) =>
                {
                    if (await RecoverAsync(run, stop).ConfigureAwait(false))
                        Interlocked.Increment(ref count);
                    else
                        Interlocked.Increment(ref failed);
                }).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            LogSearchFailed(e);
            failed++;
        }

        if (count > 0)
            LogRecovered(count);
        return failed == 0;
    }

    private async Task<bool> RecoverAsync(OrphanedRun run, CancellationToken cancellationToken)
    {
        try
        {
            // Without an owner it was handed over in good order, or waits for a version: that is charged to nobody. It goes on
            // here, where possible: this build may have what the others lack.
            RequestContext.Set(IPlacementDirector.PlacementHintKey, silo.SiloAddress);
            await grains.GetGrain<IWorkflowGrain>(run.Id).RecoverAsync(run.Owner is null ? RecoverReason.Due : RecoverReason.OwnerDied, run.Owner).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            LogFailed(e, run.Id);
            return false;
        }
    }

    [LoggerMessage(2001, LogLevel.Information, "Took up {Count} runs that the last process left.")]
    private partial void LogRecovered(int count);

    [LoggerMessage(2003, LogLevel.Error, "The runs that the last process left couldn't be searched for; it is tried again.")]
    private partial void LogSearchFailed(Exception exception);

    [LoggerMessage(2002, LogLevel.Error, "Run '{RunId}' couldn't be taken up; it is tried again.")]
    private partial void LogFailed(Exception exception, string runId);
}
