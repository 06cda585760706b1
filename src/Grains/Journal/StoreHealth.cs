using Microsoft.Extensions.DependencyInjection;

namespace Granary.Journal;

/// <summary>Whether the store takes writes. Thread-safe.</summary>
internal sealed class StoreHealth([FromKeyedServices(StoreClock.Key)] TimeProvider time) : IStoreHealth
{
    private readonly Lock _gate = new();
    private DateTimeOffset? _downSince;
    private Exception? _error;

    /// <summary>How long it has been away, and why; null while it is there.</summary>
    public (TimeSpan For, string Reason)? Outage
    {
        get
        {
            lock (_gate)
                return _downSince is { } since ? (time.GetUtcNow() - since, _error!.Message) : null;
        }
    }

    /// <summary>Returns true at the beginning of an outage.</summary>
    public bool Down(Exception error)
    {
        lock (_gate)
        {
            _error = error;
            if (_downSince is not null)
                return false;
            _downSince = time.GetUtcNow();
            return true;
        }
    }

    /// <summary>Returns true at the end of an outage.</summary>
    public bool Up()
    {
        lock (_gate)
        {
            var wasDown = _downSince is not null;
            _downSince = null;
            _error = null;
            return wasDown;
        }
    }
}
