using System.Runtime.CompilerServices;
using Granary.Grains;
using Granary.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Keepers;

/// <summary>
/// Compares, every few seconds, the runs that this silo owns with the loops that hold a claim, and restarts the missing:
/// a claim whose reply was lost, an activation that was collected or thrown away. What Orleans takes away from a living
/// silo, because another one that held its directory entry left, is restarted at once. It also tells of code that blocks.
/// </summary>
internal sealed partial class OwnedRunsWatch(RunServices shared, IGrainFactory grains, ILogger<OwnedRunsWatch> logger) : BackgroundService
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _longestPause = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _busyLimit = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, Restart> _restarts = new(StringComparer.Ordinal);
    private readonly ConditionalWeakTable<RunLoop, object> _told = [];

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(WatchAsync(stoppingToken), TakeBackAsync(stoppingToken));

    private async Task TakeBackAsync(CancellationToken stoppingToken)
    {
        await foreach (var id in shared.Running.Abandoned.ReadAllAsync(stoppingToken).ConfigureAwait(false))
            _ = RestartAsync(id, RecoverReason.Due);
    }

    private async Task WatchAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_period, shared.Time);
        var missing = new HashSet<string>(StringComparer.Ordinal);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                TellOfBlocked();
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
            missing.Add(id);
            var now = shared.Time.GetUtcNow();
            var restart = _restarts.GetValueOrDefault(id);
            if (!before.Contains(id) || now < restart.NotBefore)
                continue;

            // One that goes missing again and again does so by a mistake of its own activation: that is charged, so it ends.
            var pause = _period * Math.Pow(2, Math.Min(restart.Count, 10));
            _restarts[id] = new Restart(restart.Count + 1, now + (pause < _longestPause ? pause : _longestPause));
            _ = RestartAsync(id, restart.Count == 0 ? RecoverReason.Due : RecoverReason.OwnerDied);
        }

        foreach (var (id, restart) in _restarts)
        {
            if (restart.NotBefore + _longestPause < shared.Time.GetUtcNow())
                _restarts.Remove(id);
        }

        return missing;
    }

    private async Task RestartAsync(string id, RecoverReason reason)
    {
        LogRestarting(id);
        try
        {
            await grains.GetGrain<IWorkflowGrain>(id).RecoverAsync(reason, shared.Incarnation).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LogRestartFailed(e, id);
        }
    }

    private void TellOfBlocked()
    {
        foreach (var loop in shared.Running.All)
        {
            if (loop.Busy > _busyLimit && _told.TryAdd(loop, loop))
                LogBlocked(loop.RunId.Value, loop.Descriptor.Name, loop.Busy.TotalSeconds);
        }
    }

    private readonly record struct Restart(int Count, DateTimeOffset NotBefore);

    [LoggerMessage(2101, LogLevel.Warning, "Run '{RunId}' is owned by this process but nothing executes it; it is taken up again.")]
    private partial void LogRestarting(string runId);

    [LoggerMessage(2103, LogLevel.Error, "Run '{RunId}' couldn't be taken up again; it is tried later.")]
    private partial void LogRestartFailed(Exception exception, string runId);

    [LoggerMessage(2104, LogLevel.Warning, "GRN1208: the code of run '{RunId}' (workflow '{Workflow}') has held its thread for {Seconds:F0} s: it blocks (.Result, Wait, Thread.Sleep) or computes. The run makes no progress meanwhile. Await instead, and put long computing into a step.")]
    private partial void LogBlocked(string runId, string workflow, double seconds);

    [LoggerMessage(2102, LogLevel.Error, "The runs of this process couldn't be compared with what executes; it is tried again.")]
    private partial void LogFailed(Exception exception);
}
