using System.Runtime.CompilerServices;
using Granary.Grains;
using Granary.Journal;
using Granary.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Orleans.Runtime.Placement;

namespace Granary.Keepers;

/// <summary>
/// A process at its start takes up what the dead were running, so that nobody waits for keepers to come to life, and tries
/// what waits for another version: it may be of that one. In a cluster it goes on to look for runs that wait for a workflow
/// which this build has: silos of other builds are started and woken runs on as well.
/// </summary>
internal sealed partial class RunRecovery(RunServices shared, IGrainFactory grains, ISiloMembers members, KeeperOptions options, ILocalSiloDetails silo, ILogger<RunRecovery> logger) : BackgroundService
{
    private const int Concurrency = 64;
    private const int MaxAsks = 3;
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the first runs have been taken up, or there are none.</summary>
    public Task Begun => _begun.Task;

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

    private async IAsyncEnumerable<IEnumerable<(string Id, string? Owner)>> FindLeft([EnumeratorCancellation] CancellationToken stoppingToken)
    {
        if (!options.IsAlone)
        {
            foreach (var owner in (await shared.Store.FindOwnersAsync(stoppingToken).ConfigureAwait(false)).Where(members.IsDead))
            {
                await foreach (var page in shared.Store.FindOwnedAsync(owner, RunShard.All, stoppingToken).ConfigureAwait(false))
                    yield return page.Select(id => (id, (string?)owner));
            }
        }

        await foreach (var page in shared.Store.FindOrphansAsync(options.IsAlone ? shared.Incarnation : null, stoppingToken).ConfigureAwait(false))
            yield return page.Select(run => (run.Id, run.Owner));
    }

    private async IAsyncEnumerable<IEnumerable<(string Id, string? Owner)>> FindKnown([EnumeratorCancellation] CancellationToken stoppingToken)
    {
        await foreach (var page in shared.Store.FindLackingAsync(WorkflowRegistry.LackingCode, shared.Workflows.Known, stoppingToken).ConfigureAwait(false))
            yield return page.Select(run => (run.Id, run.Owner));
    }

    /// <summary>False when something couldn't be read or taken up: the same search finds it again.</summary>
    private async Task<bool> TakeUpAsync(Func<CancellationToken, IAsyncEnumerable<IEnumerable<(string Id, string? Owner)>>> find, CancellationToken stoppingToken)
    {
        var (count, failed) = (0, 0);
        try
        {
            await foreach (var page in find(stoppingToken).ConfigureAwait(false))
            {
                await Parallel.ForEachAsync(page, new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = stoppingToken }, async (run, stop) =>
                {
                    if (await RecoverAsync(run.Id, run.Owner, stop).ConfigureAwait(false))
                        Interlocked.Increment(ref count);
                    else
                        Interlocked.Increment(ref failed);
                }).ConfigureAwait(false);
                _begun.TrySetResult();
            }
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            LogSearchFailed(e);
            failed++;
        }

        _begun.TrySetResult();
        if (count > 0)
            LogRecovered(count);
        return failed == 0;
    }

    private async Task<bool> RecoverAsync(string id, string? owner, CancellationToken cancellationToken)
    {
        try
        {
            // Without an owner it was handed over in good order, or waits for a version: that is charged to nobody. It goes on
            // here, where possible: this build may have what the others lack. What the dead were running is shared by all.
            if (owner is null)
                RequestContext.Set(IPlacementDirector.PlacementHintKey, silo.SiloAddress);
            var grain = grains.GetGrain<IWorkflowGrain>(id);
            var reason = owner is null ? RecoverReason.Due : RecoverReason.OwnerDied;

            // Again at once where it first has to come here: else another silo might call it away meanwhile.
            for (var asks = 0; asks < MaxAsks; asks++)
            {
                if (await grain.RecoverAsync(reason, owner).ConfigureAwait(false))
                    return true;
            }

            return false;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            LogFailed(e, id);
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
