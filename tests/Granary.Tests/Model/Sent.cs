using Granary.Journal;

namespace Granary.Tests.Model;

/// <summary>A unit on its way to the store.</summary>
internal sealed record Sent(AppendUnit Write, IReadOnlyList<Append> Appends, Action<UnitOutcome> Finish)
{
    public UnitOutcome Outcome { get; set; }

    /// <summary>By the engine's own rules.</summary>
    public static List<Sent> Batch(IReadOnlyList<Append> appends, DateTimeOffset now) =>
        JournalBatch.Build(appends, now).ConvertAll(unit => new Sent(unit.Write, unit.Appends, unit.Finish));
}
