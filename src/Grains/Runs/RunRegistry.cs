using System.Collections.Concurrent;

namespace Granary.Runs;

/// <summary>The loops of this silo that hold a claim, by run id. Thread-safe.</summary>
internal sealed class RunRegistry
{
    private readonly ConcurrentDictionary<string, RunLoop> _loops = new(StringComparer.Ordinal);

    public void Add(string id, RunLoop loop) => _loops[id] = loop;

    public void Remove(string id, RunLoop loop) => _loops.TryRemove(new KeyValuePair<string, RunLoop>(id, loop));

    /// <summary>A snapshot.</summary>
    public IReadOnlyCollection<RunLoop> All => [.. _loops.Values];

    public bool Has(string id) => _loops.ContainsKey(id);
}
