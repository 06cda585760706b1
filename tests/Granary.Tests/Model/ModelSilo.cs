using Granary.Journal;

namespace Granary.Tests.Model;

/// <summary>
/// A process: its activations and its writer. Units are built, numbered and refused by the engine's <see cref="JournalBatch"/>;
/// the writer's thread is taken apart into moves: hand a batch to the store, learn the answer, lose it and send again.
/// </summary>
internal sealed class ModelSilo(Cluster cluster, int index)
{
    private readonly Queue<Append> _queue = new();
    private readonly Queue<Append> _urgent = new();
    private readonly NaiveBatch? _naive = NaiveBatch.IsNeeded(cluster.Rules) ? new NaiveBatch(cluster.Rules) : null;
    private List<Sent>? _sent;
    private int _generation = 1;

    public int Index => index;

    /// <summary>This life of the process.</summary>
    public string Incarnation { get; private set; } = $"S{index}:1";

    /// <summary>Stopped by a signal: it does nothing, and knows of nothing when it goes on.</summary>
    public bool IsPaused { get; set; }

    /// <summary>Its others think so; it goes on all the same until it ends.</summary>
    public bool IsDeclaredDead { get; set; }

    public Dictionary<string, Activation> Activations { get; } = new(StringComparer.Ordinal);

    /// <summary>Changes of rows that stand outside of any append; only without the rules.</summary>
    public Queue<(string Id, RunChange Change)> LatePuts { get; } = new();

    public bool IsIdle => _queue.Count == 0 && _urgent.Count == 0 && _sent is null && LatePuts.Count == 0;

    public Activation Activate(string id)
    {
        if (!Activations.TryGetValue(id, out var activation))
            Activations.Add(id, activation = new Activation(cluster, this, id));
        return activation;
    }

    public void Enqueue(Append append)
    {
        _naive?.Queued(append);
        (append.IsUrgent ? _urgent : _queue).Enqueue(append);
    }

    /// <summary>All that is queued goes to the store, and is kept or refused there.</summary>
    public void Write()
    {
        if (_sent is not null || _urgent.Count + _queue.Count == 0)
            return;
        Append[] batch = [.. _urgent, .. _queue];
        _urgent.Clear();
        _queue.Clear();
        _sent = _naive?.Batch(batch, cluster.Now) ?? Sent.Batch(batch, cluster.Now);
        Send();
    }

    /// <summary>The answer is lost: the same units are sent again.</summary>
    public void LoseAnswer()
    {
        if (_sent is not null)
            Send();
    }

    /// <summary>The answer arrives.</summary>
    public void Answer()
    {
        if (_sent is null)
            return;
        var sent = _sent;
        _sent = null;
        foreach (var unit in sent)
        {
            if (unit.Outcome.Result == UnitResult.Rejected && unit.Appends.Count > 1)
                OneByOne(unit);
            else
                unit.Finish(unit.Outcome);
        }
    }

    public void Put()
    {
        if (LatePuts.TryDequeue(out var put))
            cluster.Table.Put(put.Id, row => row with { Status = put.Change.Status, WaitingOn = put.Change.WaitingOn, Owner = put.Change.Owner, WakeAt = put.Change.WakeAt });
    }

    /// <summary>SIGKILL, and a new process in its place. What was sent may be there; nobody was told.</summary>
    public void Restart()
    {
        _queue.Clear();
        _urgent.Clear();
        LatePuts.Clear();
        _sent = null;
        Activations.Clear();
        (IsPaused, IsDeclaredDead) = (false, false);
        Incarnation = $"S{index}:{++_generation}";
    }

    private void Send()
    {
        foreach (var unit in _sent!)
        {
            unit.Outcome = cluster.Table.Write(unit.Write, unit.Appends);
            cluster.Verdict.Tell($"  silo {index}: {string.Join(' ', unit.Write.Rows.Select(r => $"{r.Seq}:{r.Kind}"))} of journal {unit.Write.RunKey}: {unit.Outcome.Result}");
        }
    }

    private void OneByOne(Sent rejected)
    {
        foreach (var append in rejected.Appends)
        {
            foreach (var unit in _naive?.Batch([append], cluster.Now) ?? Sent.Batch([append], cluster.Now))
                unit.Finish(cluster.Table.Write(unit.Write, unit.Appends));
        }
    }
}
