using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace Granary.Client.Outside;

/// <summary>A client may start before the silos do: it tries until its limit.</summary>
internal sealed class ConnectionPatience(IOptions<GranaryClientOptions> options, TimeProvider time) : IClientConnectionRetryFilter
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(500);

    private readonly long _begun = time.GetTimestamp();

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        if (exception is not (SiloUnavailableException or TimeoutException or OrleansException))
            return false;
        if (time.GetElapsedTime(_begun) >= options.Value.ConnectTimeout)
            throw new GranaryUnavailableException($"No silo of the cluster answered within {options.Value.ConnectTimeout.TotalSeconds:F0} s: {exception.Message}", TimeSpan.FromSeconds(1), exception);
        await Task.Delay(_pause, time, cancellationToken).ConfigureAwait(false);
        return true;
    }
}
