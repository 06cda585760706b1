using Granary.Grains;
using Granary.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Keepers;

/// <summary>
/// Compares, every few seconds, the runs that this silo owns with the loops that hold a claim, and restarts the missing:
/// a claim whose reply was lost, an activation that was collected or thrown away. What Orleans takes away from a living
/// silo, because another one that held its directory entry left, is restarted at once.
/// </summary>
internal sealed partial class OwnedRunsWatch(RunServices shared, IGrainFactory grains, ILogger<OwnedRunsWatch> logger) : BackgroundService
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(WatchAsync(stoppingToken), TakeBackAsync(stoppingToken));

    private async Task TakeBackAsync(CancellationToken stoppingToken)
    {
        await foreach (var id in shared.Running.Abandoned.ReadAllAsync(stoppingToken).ConfigureAwait(false))
            _ = RestartAsync(id);
    }

    private async Task RestartAsync(string id)
    {
        try
        {
            await grains.GetGrain<IWorkflowGrain>(id).RecoverAsync(RecoverReason.Due).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The next comparison finds it.
            LogFailed(e);
        }
    }

    private async Task WatchAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_period, shared.Time);
        var missing = new HashSet<string>(StringComparer.Ordinal);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                missing = await CompareAsync(missing, stoppingToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(e);
            }
        }
    }

    /// <summary>A run that was missing in two looks running has no loop on its way.</summary>
    private async Task<HashSet<string>> CompareAsync(HashSet<string> before, CancellationToken cancellationToken)
    {
        var missing = new HashSet<string>(StringComparer.Ordinal);
        foreach (var id in await shared.Store.FindOwnedAsync(shared.Incarnation, cancellationToken).ConfigureAwait(false))
        {
            if (shared.Running.Has(id))
                continue;
            if (!before.Contains(id))
            {
                missing.Add(id);
                continue;
            }

            LogRestarting(id);
            await grains.GetGrain<IWorkflowGrain>(id).RecoverAsync(RecoverReason.Due).ConfigureAwait(false);
        }

        return missing;
    }

    [LoggerMessage(2101, LogLevel.Warning, "Run '{RunId}' is owned by this process but nothing executes it; it is taken up again.")]
    private partial void LogRestarting(string runId);

    [LoggerMessage(2102, LogLevel.Error, "The runs of this process couldn't be compared with what executes; it is tried again.")]
    private partial void LogFailed(Exception exception);
}
