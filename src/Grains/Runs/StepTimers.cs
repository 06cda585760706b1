namespace Granary.Runs;

/// <summary>The timers of the steps that wait. Used by the pump only; a timer that fires leaves a message for it.</summary>
/// <param name="time">The store's clock.</param>
/// <param name="fired">Called on any thread.</param>
internal sealed class StepTimers(TimeProvider time, Action<StepSlot> fired)
{
    private static readonly TimeSpan _longest = TimeSpan.FromDays(1);

    private readonly Dictionary<StepSlot, ITimer> _timers = [];

    /// <summary>Sets the step's timer to its due time, or to a day from now where that is later.</summary>
    public void Arm(StepSlot slot)
    {
        var wait = slot.Due!.Value - time.GetUtcNow();
        wait = wait < TimeSpan.Zero ? TimeSpan.Zero : wait > _longest ? _longest : wait;
        Remove(slot);
        _timers[slot] = time.CreateTimer(static s => ((Alarm)s!).Fire(), new Alarm(slot, fired), wait, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Takes the step's timer away; false when it has none, and then what it said is void.</summary>
    public bool Remove(StepSlot slot)
    {
        if (!_timers.Remove(slot, out var timer))
            return false;
        timer.Dispose();
        return true;
    }

    public void Clear()
    {
        foreach (var timer in _timers.Values)
            timer.Dispose();
        _timers.Clear();
    }

    private sealed record Alarm(StepSlot Slot, Action<StepSlot> Fired)
    {
        public void Fire() => Fired(Slot);
    }
}
