using System.Runtime.CompilerServices;
using Granary.Engine;

namespace Granary;

/// <summary>A named value of a run, read from outside. Costs nothing; thread-safe.</summary>
/// <typeparam name="T">The value's type.</typeparam>
public sealed class RunEvent<T>
{
    private readonly IRunReader _reader;
    private readonly RunId _run;
    private readonly string _name;

    internal RunEvent(IRunReader reader, RunId run, string name)
    {
        Names.CheckName(name, "event name");
        _reader = reader;
        _run = run;
        _name = name;
    }

    /// <summary>The newest value; waits until the run has set one.</summary>
    /// <param name="cancellationToken">Cancels the waiting.</param>
    /// <exception cref="RunStateException"><c>GRN1003</c>: the run has ended without setting it.</exception>
    public async Task<T> GetAsync(CancellationToken cancellationToken = default) =>
        (await _reader.EventAsync<T>(_run, _name, null, Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false))!.Value;

    /// <summary>The newest value; null when none was set in time.</summary>
    /// <param name="within">How long to wait; zero reads it as it is now.</param>
    /// <param name="cancellationToken">Cancels the waiting.</param>
    public async Task<EventValue<T>?> GetAsync(TimeSpan within, CancellationToken cancellationToken = default) =>
        await _reader.EventAsync<T>(_run, _name, null, within, cancellationToken).ConfigureAwait(false);

    /// <summary>Each value as it is set, from the newest on, until the run has ended.</summary>
    /// <param name="cancellationToken">Ends the watching.</param>
    public async IAsyncEnumerable<T> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (long? after = null; await NextAsync(after, Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false) is { } value; after = value.Sequence)
            yield return value.Value;
    }

    /// <summary>All values so far, in the order in which they were set.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    public async IAsyncEnumerable<EventValue<T>> HistoryAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (long after = 0; await NextAsync(after, TimeSpan.Zero, cancellationToken).ConfigureAwait(false) is { } value; after = value.Sequence)
            yield return value;
    }

    /// <summary>Null as well when the run has ended and there is no more.</summary>
    private async Task<EventValue<T>?> NextAsync(long? after, TimeSpan within, CancellationToken cancellationToken)
    {
        try
        {
            return await _reader.EventAsync<T>(_run, _name, after, within, cancellationToken).ConfigureAwait(false);
        }
        catch (RunStateException)
        {
            return null;
        }
    }
}

/// <summary>A value that a run has set.</summary>
/// <typeparam name="T">The value's type.</typeparam>
/// <param name="Value">The value.</param>
/// <param name="Step">The step that set it.</param>
/// <param name="At">When it was committed.</param>
/// <param name="Sequence">Its place in the run's journal.</param>
public sealed record EventValue<T>(T Value, StepKey Step, DateTimeOffset At, long Sequence);
