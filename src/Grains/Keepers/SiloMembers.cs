using System.Collections.Concurrent;
using Granary.Runs;
using Orleans.Runtime;

namespace Granary.Keepers;

/// <summary>The cluster's members, as this silo sees them.</summary>
internal sealed class SiloMembers(ISiloStatusOracle oracle, TimeProvider time) : ISiloMembers
{
    private static readonly TimeSpan _unknownLimit = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _unknownSince = new(StringComparer.Ordinal);

    public bool IsDead(string incarnation)
    {
        var address = SiloAddress.FromParsableString(incarnation);
        var status = oracle.GetApproximateSiloStatus(address);
        if (status == SiloStatus.Dead)
            return true;
        if (status != SiloStatus.None)
        {
            _unknownSince.TryRemove(incarnation, out _);
            return false;
        }

        var now = time.GetUtcNow();
        return now - _unknownSince.GetOrAdd(incarnation, now) >= _unknownLimit;
    }
}

/// <summary>A process that holds the file's lock: whoever else stands in it is gone.</summary>
internal sealed class SingleMember(string self) : ISiloMembers
{
    public bool IsDead(string incarnation) => incarnation != self;
}
