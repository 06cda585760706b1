using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Granary.Runs;

/// <summary>The loops of this silo that hold a claim, by run id. Thread-safe.</summary>
internal sealed class RunRegistry
{
    private readonly ConcurrentDictionary<string, RunLoop> _loops = new(StringComparer.Ordinal);
    private readonly Channel<string> _abandoned = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });

    public void Add(string id, RunLoop loop) => _loops[id] = loop;

    public void Remove(string id, RunLoop loop) => _loops.TryRemove(new KeyValuePair<string, RunLoop>(id, loop));

    /// <summary>The ids of runs whose activation was taken away from this silo while it lives. One reader.</summary>
    public ChannelReader<string> Abandoned => _abandoned.Reader;

    public void Abandon(string id) => _abandoned.Writer.TryWrite(id);

    /// <summary>A snapshot.</summary>
    public IReadOnlyCollection<RunLoop> All => [.. _loops.Values];

    public bool Has(string id) => _loops.ContainsKey(id);
}
