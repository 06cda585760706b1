using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Journal;

/// <summary>Measures the store's clock again and again: stopwatches drift, and stand still while a machine is frozen.</summary>
internal sealed partial class StoreClockWatch(StoreClock clock, IJournalStore store, ILogger<StoreClockWatch> logger) : BackgroundService
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _worthTelling = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var told = TimeSpan.Zero;
        using var timer = new PeriodicTimer(_period);
        do
        {
            try
            {
                await clock.MeasureAsync(store, stoppingToken).ConfigureAwait(false);
                if ((clock.Offset - told).Duration() < _worthTelling)
                    continue;
                told = clock.Offset;
                LogDiffers(told.TotalSeconds);
            }
            catch (StoreUnavailableException)
            {
                // The clock goes on by itself until the store is back.
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    [LoggerMessage(3005, LogLevel.Warning, "The database's clock is {Seconds:F1} s ahead of this machine's (less than 0: behind). Journals follow the database's.")]
    private partial void LogDiffers(double seconds);
}
