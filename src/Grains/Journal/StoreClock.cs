namespace Granary.Journal;

/// <summary>
/// The clock that journals follow: the database's, as this process measures it, so that silos whose machines disagree
/// agree; the process's own where the store has none. Between measurements it goes on with the process's stopwatch, which
/// no change of the machine's time moves. Timers and stopwatches are the inner provider's. Thread-safe.
/// </summary>
internal sealed class StoreClock(TimeProvider inner) : TimeProvider
{
    /// <summary>The key under which the engine's services get it: other services keep the time that they were given.</summary>
    public const string Key = "granary.store";

    private const int Tries = 5;

    private Reading? _reading;

    public override TimeZoneInfo LocalTimeZone => inner.LocalTimeZone;

    public override long TimestampFrequency => inner.TimestampFrequency;

    /// <summary>How far the machine's time is behind this clock.</summary>
    public TimeSpan Offset => GetUtcNow() - inner.GetUtcNow();

    public override DateTimeOffset GetUtcNow() =>
        Volatile.Read(ref _reading) is { } reading ? reading.Time + inner.GetElapsedTime(reading.Timestamp) : inner.GetUtcNow();

    public override long GetTimestamp() => inner.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        inner.CreateTimer(callback, state, dueTime, period);

    /// <summary>
    /// Asks the store for its time. The quickest of some answers counts, and of its way half: the true time lies within half
    /// of that way around it.
    /// </summary>
    public async Task MeasureAsync(IJournalStore store, CancellationToken cancellationToken)
    {
        Reading? best = null;
        for (var i = 0; i < Tries; i++)
        {
            var sent = inner.GetTimestamp();
            if (await store.ReadClockAsync(cancellationToken).ConfigureAwait(false) is not { } time)
                return;
            var received = inner.GetTimestamp();
            var way = inner.GetElapsedTime(sent, received);
            if (best is null || way < best.Way)
                best = new Reading(time + (way / 2), received, way);
        }

        Volatile.Write(ref _reading, best);
    }

    /// <param name="Time">The store's time when the answer came.</param>
    /// <param name="Timestamp">The process's stopwatch then.</param>
    /// <param name="Way">How long question and answer took.</param>
    private sealed record Reading(DateTimeOffset Time, long Timestamp, TimeSpan Way);
}
