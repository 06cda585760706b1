using Granary.Journal;
using Granary.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Keepers;

/// <summary>
/// A process that was paused (SIGSTOP, a frozen machine) may have lost its runs without knowing. A tick every 250 ms
/// notices the gap; until the heads of the runs that this silo believes to own were read again, no body starts.
/// </summary>
internal sealed partial class PauseGate(RunRegistry running, IJournalStore store, ILogger<PauseGate> logger) : BackgroundService, IBodyGate
{
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(250);
    private const long Gap = 1_000;

    private readonly Lock _gate = new();
    private long _lastTick = Environment.TickCount64;
    private TaskCompletionSource? _closed;

    public Task PassAsync()
    {
        lock (_gate)
        {
            // The tick itself may not have run yet since the process woke.
            if (_closed is null && Environment.TickCount64 - _lastTick > Gap)
                _closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _closed?.Task ?? Task.CompletedTask;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        lock (_gate)
            _lastTick = Environment.TickCount64;
        using var timer = new PeriodicTimer(_tick);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            bool check;
            lock (_gate)
            {
                if (Environment.TickCount64 - _lastTick > Gap)
                    _closed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                check = _closed is not null;
                _lastTick = Environment.TickCount64;
            }

            if (check)
                await CheckAsync(stoppingToken).ConfigureAwait(false);
        }
    }

    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        var lost = 0;
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
            _lastTick = Environment.TickCount64;
            _closed?.TrySetResult();
            _closed = null;
        }
    }

    [LoggerMessage(2501, LogLevel.Warning, "This process was paused; {Lost} of its runs had been taken over meanwhile.")]
    private partial void LogPaused(int lost);

    [LoggerMessage(2502, LogLevel.Warning, "After a pause the runs of this process couldn't be checked; no step starts until they are.")]
    private partial void LogFailed(Exception exception);
}
