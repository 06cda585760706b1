using Granary.Grains;
using Granary.Journal;
using Granary.Runs;
using Microsoft.Extensions.Logging;
using Orleans.Placement;
using Orleans.Runtime;
using Orleans.Storage;

namespace Granary.Keepers;

/// <summary>Wakes the runs of its share when they are due, and takes over those of dead owners.</summary>
[GrainType("granary.keeper"), RandomPlacement]
internal sealed partial class KeeperGrain(
    [PersistentState("keeper", "granary")] IPersistentState<KeeperState> state,
    RunServices shared, ISiloMembers members, KeeperOptions options, ILogger<KeeperGrain> logger) : Grain, IKeeperGrain, IRemindable
{
    private const string Reminder = "keep";

    /// <summary>The due runs of the next minute; the database is the truth, this only makes it exact.</summary>
    private readonly PriorityQueue<string, DateTimeOffset> _due = new();

    private IGrainTimer? _timer;
    private DateTimeOffset _nextRead;
    private DateTimeOffset _nextSweep;
    private DateTimeOffset _armed;

    private RunShard Shard => new((int)this.GetPrimaryKeyLong(), options.Shards);

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // Lives as long as its silo: what it waits for is no activity to Orleans.
        DelayDeactivation(TimeSpan.FromDays(365_000));
        await this.RegisterOrUpdateReminder(Reminder, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
        _armed = shared.Time.GetUtcNow();
        _timer = this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(TimeSpan.Zero, KeeperOptions.ReadEvery) { KeepAlive = true });
    }

    public Task EnsureAsync() => Task.CompletedTask;

    public Task ReceiveReminder(string reminderName, TickStatus status) => Task.CompletedTask;

    public Task TellAsync(string id, DateTimeOffset due)
    {
        if (due < _nextRead + KeeperOptions.Horizon)
        {
            _due.Enqueue(id, due);
            if (due < _armed)
                Arm(due);
        }

        return Task.CompletedTask;
    }

    public async Task SweepAsync()
    {
        // Until it has succeeded the next one is near.
        _nextSweep = shared.Time.GetUtcNow() + KeeperOptions.SweepAgain;
        try
        {
            var (done, failed) = await TakeOverAsync();
            if (failed == 0)
                _nextSweep = shared.Time.GetUtcNow() + KeeperOptions.SweepEvery;
            if (done > 0)
                LogTookOver(done, Shard.Index);
            await RememberAsync(done);
        }
        finally
        {
            if (_nextSweep < _armed)
                Arm(_nextSweep);
        }
    }

    private async Task<(int Done, int Failed)> TakeOverAsync()
    {
        var (done, failed) = (0, 0);
        foreach (var owner in await shared.Store.FindOwnersAsync(CancellationToken.None))
        {
            if (!members.IsDead(owner))
                continue;
            await foreach (var page in shared.Store.FindOwnedAsync(owner, Shard, CancellationToken.None))
                Add(await HandOutAsync(page.Select(run => (run, RecoverReason.OwnerDied, (string?)owner))));
        }

        await foreach (var page in shared.Store.FindStrandedAsync(Shard, CancellationToken.None))
            Add(await HandOutAsync(page.Select(run => (run, RecoverReason.Due, (string?)null))));
        return (done, failed);

        void Add((int Done, int Failed) page)
        {
            done += page.Done;
            failed += page.Failed;
        }
    }

    private async Task RememberAsync(int count)
    {
        try
        {
            state.State.LastSweep = shared.Time.GetUtcNow();
            state.State.TookOver += count;
            await state.WriteStateAsync();
        }
        catch (InconsistentStateException)
        {
            // Another activation of this keeper wrote, or the answer to an own write was lost. What stands there counts.
            await state.ReadStateAsync();
        }
    }

    private async Task TickAsync(CancellationToken cancellationToken)
    {
        try
        {
            var now = shared.Time.GetUtcNow();
            if (now >= _nextRead)
                await ReadAsync(now, cancellationToken);
            var ready = new List<string>();
            while (_due.TryPeek(out var id, out var due) && due <= now)
            {
                _due.Dequeue();
                ready.Add(id);
            }

            if ((await HandOutAsync(ready.Select(id => (id, RecoverReason.Due, (string?)null)))).Failed > 0)
                _nextRead = now + KeeperOptions.SweepAgain;
            if (now >= _nextSweep)
                await SweepAsync();
        }
        catch (Exception e)
        {
            // The rows are still there: the next look finds them.
            LogFailed(e, Shard.Index);
            _nextRead = shared.Time.GetUtcNow() + TimeSpan.FromSeconds(1);
        }

        var next = _nextRead < _nextSweep ? _nextRead : _nextSweep;
        Arm(_due.TryPeek(out _, out var first) && first < next ? first : next);
    }

    private async Task ReadAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var until = now + KeeperOptions.Horizon;
        var rows = await shared.Store.FindDueAsync(Shard, until, KeeperOptions.MaxHeld, cancellationToken);
        _due.Clear();
        foreach (var row in rows)
            _due.Enqueue(row.Id, row.WakeAt);

        // A full page ends before the horizon: what comes after it is read when the page is used up.
        _nextRead = rows.Count == KeeperOptions.MaxHeld ? Max(now, rows[^1].WakeAt) : now + KeeperOptions.ReadEvery;
    }

    private async Task<(int Done, int Failed)> HandOutAsync(IEnumerable<(string Id, RecoverReason Reason, string? Owner)> runs)
    {
        var (done, failed) = (0, 0);
        foreach (var chunk in runs.Chunk(KeeperOptions.Concurrency))
        {
            var woken = await Task.WhenAll(chunk.Select(run => WakeAsync(run.Id, run.Reason, run.Owner)));
            done += woken.Count(w => w);
            failed += woken.Count(w => !w);
        }

        return (done, failed);
    }

    private async Task<bool> WakeAsync(string id, RecoverReason reason, string? owner)
    {
        try
        {
            await GrainFactory.GetGrain<IWorkflowGrain>(id).RecoverAsync(reason, owner);
            return true;
        }
        catch (Exception e)
        {
            LogWakeFailed(e, id);
            return false;
        }
    }

    private void Arm(DateTimeOffset at)
    {
        _armed = at;
        var wait = at - shared.Time.GetUtcNow();
        _timer?.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, KeeperOptions.ReadEvery);
    }

    private static DateTimeOffset Max(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    [LoggerMessage(2201, LogLevel.Information, "Took up {Count} runs that nobody executed (keeper {Shard}).")]
    private partial void LogTookOver(int count, int shard);

    [LoggerMessage(2202, LogLevel.Warning, "Keeper {Shard} couldn't look after its runs; it looks again at once.")]
    private partial void LogFailed(Exception exception, int shard);

    [LoggerMessage(2203, LogLevel.Warning, "Run '{RunId}' couldn't be woken; it is tried again.")]
    private partial void LogWakeFailed(Exception exception, string runId);
}

/// <summary>What a keeper alone needs.</summary>
[GenerateSerializer, Alias("granary.KeeperState")]
internal sealed class KeeperState
{
    /// <summary>When it last compared owners with members.</summary>
    [Id(0)]
    public DateTimeOffset LastSweep { get; set; }

    /// <summary>How many runs it took over, ever.</summary>
    [Id(1)]
    public long TookOver { get; set; }
}
