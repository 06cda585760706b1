namespace Granary;

/// <summary>Something that was committed to a run's journal.</summary>
/// <param name="Sequence">The row's number; pass it to <see cref="RunHandle.WatchAsync"/> to go on after it.</param>
/// <param name="At">When it was committed.</param>
public abstract record RunUpdate(long Sequence, DateTimeOffset At);

/// <summary>An attempt of a step ended.</summary>
/// <param name="Sequence">The row's number.</param>
/// <param name="At">When it was committed.</param>
/// <param name="Step">The attempt.</param>
public sealed record StepEnded(long Sequence, DateTimeOffset At, StepInfo Step) : RunUpdate(Sequence, At);

/// <summary>The run started, was claimed, or ended.</summary>
/// <param name="Sequence">The row's number.</param>
/// <param name="At">When it was committed.</param>
/// <param name="Status">Where it stands since.</param>
public sealed record RunStatusChanged(long Sequence, DateTimeOffset At, RunStatus Status) : RunUpdate(Sequence, At);
