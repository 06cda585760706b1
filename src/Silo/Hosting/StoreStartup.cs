using Granary.Journal;
using Granary.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Granary.Silo.Hosting;

/// <summary>Opens the store before the silo starts, and commits what is queued after it has stopped.</summary>
internal sealed class StoreStartup(IJournalStore store, JournalWriter writer, StoreClock clock, WorkflowRegistry workflows, IOptions<GranaryOptions> options) : IHostedService
{
    private readonly CancellationTokenSource _stop = new();
    private Task _warmUp = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Made by now, so duplicate names were refused before anything is opened.
        _ = workflows;
        options.Value.Json.MakeReadOnly(populateMissingResolver: true);
        await store.OpenAsync(cancellationToken).ConfigureAwait(false);
        await clock.MeasureAsync(store, cancellationToken).ConfigureAwait(false);
        writer.Start();
        _warmUp = store.WarmUpAsync(_stop.Token);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _warmUp.ConfigureAwait(false);
        await writer.DisposeAsync().ConfigureAwait(false);
        await store.DisposeAsync().ConfigureAwait(false);
    }
}
