namespace Granary.Journal;

/// <summary>Rows that are kept together or not at all, and what they change in the run's row.</summary>
internal sealed class Append
{
    public required RunJournal Journal { get; init; }

    public required IReadOnlyList<JournalRow> Rows { get; init; }

    public RunChange? Change { get; init; }

    public RunRow? NewRun { get; init; }

    public IReadOnlyList<SideRow> Sides { get; init; } = [];

    /// <summary>Claims and ends pass a full queue: fail-over must not wait behind ordinary load.</summary>
    public bool IsUrgent { get; init; }

    /// <summary>Called once, on the writer's thread, after the commit or the refusal. Must not block or throw.</summary>
    public required Action<Append, UnitOutcome> Done { get; init; }

    /// <summary>Set by the engine that queued it; the writer doesn't look at it.</summary>
    public object? Tag { get; init; }

    public int Bytes
    {
        get
        {
            var bytes = 300 + (NewRun?.Input.Bytes.Length ?? 0);
            for (var i = 0; i < Rows.Count; i++)
                bytes += Rows[i].Bytes;

            // What they carry also stands in the rows.
            return bytes + (Sides.Count > 0 ? bytes : 0);
        }
    }
}
