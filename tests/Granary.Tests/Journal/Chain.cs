using System.Text;
using Granary.Journal;

namespace Granary.Tests.Journal;

/// <summary>One activation's view of a run's chain: makes the units that it would send.</summary>
internal sealed class Chain(long runKey)
{
    public static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, 123, 456, TimeSpan.Zero);

    private static long _appendIds = 1_000_000;

    public long RunKey { get; } = runKey;

    public long Seq { get; private set; }

    public long AppendId { get; private set; }

    public int Epoch { get; set; } = 1;

    /// <summary>A second activation that has read the same head.</summary>
    public Chain Twin(int? epoch = null) => new(RunKey) { Seq = Seq, AppendId = AppendId, Epoch = epoch ?? Epoch };

    /// <summary>An activation that has just read the head.</summary>
    public static Chain At(long runKey, long seq, long appendId, int epoch) => new(runKey) { Seq = seq, AppendId = appendId, Epoch = epoch };

    /// <summary>The unit that starts the run, and moves the chain.</summary>
    public AppendUnit Start(string id, string? owner = "silo-1:100", int at = 0) =>
        Next([Row(FactKind.Started, name: owner)], [], Run(RunKey, id, owner, at), at);

    /// <summary>A unit of one append after the chain's end, and moves the chain.</summary>
    public AppendUnit Next(params JournalRow[] rows) => Next(rows, []);

    public AppendUnit Next(JournalRow[] rows, RunChange[] changes, RunRow? newRun = null, int at = 0, SideRow[]? sides = null)
    {
        var unit = Unit(rows, changes, newRun, at, sides);
        Seq = unit.Rows[^1].Seq;
        AppendId = unit.Rows[^1].AppendId;
        return unit;
    }

    /// <summary>The same without moving the chain.</summary>
    public AppendUnit Unit(params JournalRow[] rows) => Unit(rows, []);

    public AppendUnit Unit(JournalRow[] rows, RunChange[] changes, RunRow? newRun = null, int at = 0, SideRow[]? sides = null)
    {
        var appendId = Interlocked.Increment(ref _appendIds);
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i].Seq = Seq + 1 + i;
            rows[i].AppendId = appendId;
            rows[i].CommittedAt = Noon.AddSeconds(at);
        }

        return new AppendUnit
        {
            RunKey = RunKey,
            PreviousSeq = Seq,
            PreviousAppendId = AppendId,
            Rows = rows,
            Changes = changes,
            NewRun = newRun,
            Sides = [.. (sides ?? []).Select(side => new UnitSide(side, rows[^1].Seq, rows[^1].CommittedAt))],
        };
    }

    public JournalRow Row(string kind, string? step = null, string? name = null, int attempt = 0) =>
        new() { Kind = kind, Epoch = Epoch, StepKey = step, Name = name, Attempt = attempt };

    public JournalRow Step(string step, string kind = FactKind.StepSucceeded, int attempt = 0) => new()
    {
        Kind = kind,
        Epoch = Epoch,
        StepKey = step,
        StepKind = "tool",
        Name = "weather",
        Attempt = attempt,
        Fingerprint = [1, 2, 3],
        Input = Json("""{"city":"Bern"}"""),
        Output = kind == FactKind.StepSucceeded ? Json("\"sunny\"") : null,
        Error = kind == FactKind.StepSucceeded ? null : Encoding.UTF8.GetBytes("""{"type":"T","message":"m","code":"GRN1301"}"""),
        StartedAt = Noon.AddSeconds(-1),
    };

    public JournalRow[] Steps(int count, int payloadBytes = 0) =>
        [.. Enumerable.Range(0, count).Select(i => Step($"e{i:D5}") with { Output = new Payload("json", new byte[payloadBytes]) })];

    public static Payload Json(string json) => new("json", Encoding.UTF8.GetBytes(json));

    public static RunRow Run(long key, string id, string? owner, int at = 0) => new()
    {
        Key = key,
        Id = id,
        Workflow = "weather",
        WorkflowVersion = 2,
        Version = "1.2.3",
        Status = RunStatus.Running,
        Owner = owner,
        Input = Json("\"Bern?\""),
        TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        CreatedAt = Noon.AddSeconds(at),
    };
}
