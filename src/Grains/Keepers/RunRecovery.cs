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
/// up what its predecessor was running; in a cluster the keepers know whose owners are dead. There it goes on to look for
/// runs that wait for a workflow which this build has: silos of other builds are started and woken runs on as well.
/// </summary>
internal sealed partial class RunRecovery(RunServices shared, IGrainFactory grains, KeeperOptions options, ILocalSiloDetails silo, ILogger<RunRecovery> logger) : BackgroundService
{
    private const int Concurrency = 64;
    private const int MaxAsks = 3;
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var wait = _firstPause; !await TakeUpAsync(FindLeft, stoppingToken).ConfigureAwait(false); wait = wait < _longestPause ? wait * 2 : wait)
            await Task.Delay(wait, shared.Time, stoppingToken).ConfigureAwait(false);
        if (options.IsAlone)
            return;
        using var timer = new PeriodicTimer(KeeperOptions.LookEvery, shared.Time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            await TakeUpAsync(FindKnown, stoppingToken).ConfigureAwait(false);
    }

    private IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindLeft(CancellationToken stoppingToken) =>
        shared.Store.FindOrphansAsync(options.IsAlone ? shared.Incarnation : null, stoppingToken);

    private IAsyncEnumerable<IReadOnlyList<OrphanedRun>> FindKnown(CancellationToken stoppingToken) =>
        shared.Store.FindLackingAsync(WorkflowRegistry.LackingCode, shared.Workflows.Known, stoppingToken);

    /// <summary>False when something couldn't be read or taken up: the same search finds it again.</summary>
    private async Task<bool> TakeUpAsync(Func<CancellationToken, IAsyncEnumerable<IReadOnlyList<OrphanedRun>>> find, CancellationToken stoppingToken)
    {
        var (count, failed) = (0, 0);
        try
        {
            await foreach (var page in find(stoppingToken).ConfigureAwait(false))
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
            var grain = grains.GetGrain<IWorkflowGrain>(run.Id);
            var reason = run.Owner is null ? RecoverReason.Due : RecoverReason.OwnerDied;

            // Again at once where it first has to come here: else another silo might call it away meanwhile.
            for (var asks = 0; asks < MaxAsks; asks++)
            {
                if (await grain.RecoverAsync(reason, run.Owner).ConfigureAwait(false))
                    return true;
            }

            return false;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            LogFailed(e, run.Id);
            return false;
        }
    }

    [LoggerMessage(2001, LogLevel.Information, "Took up {Count} runs that nobody executed.")]
    private partial void LogRecovered(int count);

    [LoggerMessage(2003, LogLevel.Error, "The runs that nobody executes couldn't be searched for; it is tried again.")]
    private partial void LogSearchFailed(Exception exception);

    [LoggerMessage(2002, LogLevel.Error, "Run '{RunId}' couldn't be taken up; it is tried again.")]
    private partial void LogFailed(Exception exception, string runId);
}
