using Granary;
using Microsoft.Extensions.DependencyInjection;

namespace WeatherAgent;

/// <summary>A person in front of a terminal isn't left waiting for a database that is full or gone.</summary>
internal static class StoreOutage
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    /// <summary>Completes only by throwing, when the store has been away for too long. The run itself only pauses.</summary>
    public static async Task WatchAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var health = services.GetRequiredService<IStoreHealth>();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            if (health.Outage is { } outage && outage.For > _patience)
            {
                throw new GranaryUnavailableException(
                    $"The database has taken no writes for {outage.For.TotalSeconds:F0} s: {outage.Reason.TrimEnd('.')}. The run pauses; mend that and start again with the same --id.");
            }
        }
    }
}
