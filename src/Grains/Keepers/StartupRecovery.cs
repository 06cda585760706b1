using Granary.Grains;
using Granary.Journal;
using Granary.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Keepers;

/// <summary>
/// A process at its start tries what waits for another version: it may be of that one. A process that is alone also takes
/// up what its predecessor was running; in a cluster the keepers know whose owners are dead.
/// </summary>
internal sealed partial class StartupRecovery(RunServices shared, IGrainFactory grains, KeeperOptions options, ILogger<StartupRecovery> logger) : BackgroundService
{
    private const int Concurrency = 64;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var count = 0;
        await foreach (var page in shared.Store.FindOrphansAsync(options.IsAlone ? shared.Incarnation : null, stoppingToken).ConfigureAwait(false))
        {
            count += page.Count;
            await Parallel.ForEachAsync(page, new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = stoppingToken }, RecoverAsync).ConfigureAwait(false);
        }

        if (count > 0)
            LogRecovered(count);
    }

    private async ValueTask RecoverAsync(OrphanedRun run, CancellationToken cancellationToken)
    {
        try
        {
            // Without an owner it was handed over in good order, or waits for a version; one that only waited for its time
            // did nothing that could have killed its process. Neither is charged.
            await grains.GetGrain<IWorkflowGrain>(run.Id).RecoverAsync(run.Owner is null || run.Status == RunStatus.Waiting ? RecoverReason.Due : RecoverReason.OwnerDied).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            LogFailed(e, run.Id);
        }
    }

    [LoggerMessage(2001, LogLevel.Information, "Took up {Count} runs that the last process left.")]
    private partial void LogRecovered(int count);

    [LoggerMessage(2002, LogLevel.Error, "Run '{RunId}' couldn't be taken up; it is tried again.")]
    private partial void LogFailed(Exception exception, string runId);
}
