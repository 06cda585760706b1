using Granary.Journal;

namespace Granary.Runs;

/// <summary>What one activation has queued at the writer. Bodies add to it from any thread, until it is sealed.</summary>
/// <param name="writer">The silo's writer.</param>
/// <param name="journal">The activation's hold on the run's journal.</param>
/// <param name="done">Called on the writer's thread for each append.</param>
internal sealed class RunAppends(JournalWriter writer, RunJournal journal, Action<Append, UnitOutcome> done)
{
    private readonly Lock _gate = new();
    private int _inFlight;
    private bool _isSealed;

    /// <summary>Whether something is queued whose answer the pump hasn't looked at.</summary>
    public bool HasInFlight
    {
        get
        {
            lock (_gate)
                return _inFlight > 0;
        }
    }

    /// <summary>Queues an append; false when nothing more may follow.</summary>
    public bool TryAdd(IReadOnlyList<JournalRow> rows, RunChange? change, object? tag, IReadOnlyList<SideRow>? sides = null)
    {
        lock (_gate)
        {
            if (_isSealed)
                return false;
            _inFlight++;

            // Under the lock: the order here is the order in the journal.
            Queue(rows, change, tag, sides, isUrgent: false);
        }

        return true;
    }

    /// <summary>From here on nothing but the last row is queued.</summary>
    public void Seal()
    {
        lock (_gate)
            _isSealed = true;
    }

    /// <summary>The pump has looked at an answer.</summary>
    public void Answered()
    {
        lock (_gate)
            _inFlight--;
    }

    /// <summary>Queues the last rows of all; the caller has seen that nothing is in flight.</summary>
    public void AddLast(IReadOnlyList<JournalRow> rows, RunChange change, object tag, IReadOnlyList<SideRow>? sides)
    {
        lock (_gate)
        {
            _isSealed = true;
            _inFlight++;
            Queue(rows, change, tag, sides, isUrgent: true);
        }
    }

    private void Queue(IReadOnlyList<JournalRow> rows, RunChange? change, object? tag, IReadOnlyList<SideRow>? sides, bool isUrgent) => writer.Enqueue(new Append
    {
        Journal = journal,
        Rows = rows,
        Change = change,
        Sides = sides ?? [],
        IsUrgent = isUrgent,
        Tag = tag,
        Done = done,
    });
}
