namespace Granary.Runs;

/// <summary>What a run waits for when all that it could do waits.</summary>
/// <param name="On">The value of <c>waiting_on</c>: what it asked for first, messages before time.</param>
/// <param name="Due">The earliest time that ends a wait; null when only a message can.</param>
/// <param name="IsOpen">Whether a message may end it, which may come at any moment.</param>
internal readonly record struct RunWait(string On, DateTimeOffset? Due, bool IsOpen)
{
    /// <summary>Null when one of the steps does anything else than wait.</summary>
    public static RunWait? Of(Dictionary<string, StepSlot>.ValueCollection slots)
    {
        DateTimeOffset? due = null;
        StepSlot? first = null;
        foreach (var slot in slots)
        {
            if (!slot.IsWaiting)
                return null;
            if (slot.Due is { } at && !(due <= at))
                due = at;
            if (slot.IsForMessage && !(first?.Order < slot.Order))
                first = slot;
        }

        return slots.Count == 0 ? null : new RunWait(first?.Kind ?? "timer", due, first is not null);
    }
}
