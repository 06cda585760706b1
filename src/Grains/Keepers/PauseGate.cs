using Granary.Journal;
using Granary.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Keepers;

/// <summary>
/// A process that was paused (SIGSTOP, a frozen machine) may have lost its runs without knowing. A tick every 250 ms
/// notices the gap; until the heads of the runs that this silo believes to own were read without another one, no body starts.
/// </summary>
internal sealed partial class PauseGate(RunRegistry running, IJournalStore store, TimeProvider time, ILogger<PauseGate> logger) : BackgroundService, IBodyGate
{
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _gap = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private long _lastTick = time.GetTimestamp();
    private TaskCompletionSource? _closed;

    // Each is noticed at least once.
    private int _pauses;

    public Task PassAsync()
    {
        lock (_gate)
        {
            // The tick itself may not have run yet since the process woke.
            Notice();
            return _closed?.Task ?? Task.CompletedTask;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        lock (_gate)
            _lastTick = time.GetTimestamp();
        using var timer = new PeriodicTimer(_tick, time);

        // Ticks go on during a check: it may be cut by the next pause.
        var checking = Task.CompletedTask;
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            lock (_gate)
            {
                Notice();
                _lastTick = time.GetTimestamp();
                if (_closed is null || !checking.IsCompleted)
                    continue;
            }

            checking = CheckAsync(stoppingToken);
        }
    }

    /// <summary>Shuts the gate where the last tick is too long ago. Under the lock.</summary>
    private void Notice()
    {
        if (time.GetElapsedTime(_lastTick) <= _gap)
            return;
        _pauses++;
        _closed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        var lost = 0;
        int pauses;
        lock (_gate)
            pauses = _pauses;
        try
        {
            foreach (var loop in running.All)
            {
                if (await store.ReadHeadAsync(loop.Key, cancellationToken).ConfigureAwait(false) is { } head && head.Epoch == loop.Epoch)
                    continue;
                loop.Lose();
                lost++;
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // The gate stays shut; the next tick reads again.
            LogFailed(e);
            return;
        }

        LogPaused(lost);
        lock (_gate)
        {
            // What was read before another pause says nothing of the time after it: the next tick reads again.
            Notice();
            if (_pauses != pauses)
                return;
            _closed?.TrySetResult();
            _closed = null;
        }
    }

    [LoggerMessage(2501, LogLevel.Warning, "This process was paused; {Lost} of its runs had been taken over meanwhile.")]
    private partial void LogPaused(int lost);

    [LoggerMessage(2502, LogLevel.Warning, "After a pause the runs of this process couldn't be checked; no step starts until they are.")]
    private partial void LogFailed(Exception exception);
}
