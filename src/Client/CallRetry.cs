using Orleans.Runtime;

namespace Granary.Client;

/// <summary>
/// Makes calls again that the death of a silo or of a gateway cut off. Every call that goes through it may come twice: starts
/// are told apart by the run's id, signals by their keys; a cancel, a resume and an answer are the same when they come again.
/// </summary>
/// <param name="limit">For how long.</param>
/// <param name="time">The clock.</param>
/// <param name="stopping">Fires when this process begins to stop: from then on a call is made once.</param>
internal sealed class CallRetry(TimeSpan limit, TimeProvider time, CancellationToken stopping)
{
    private static readonly TimeSpan _first = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(1);

    /// <param name="call">The call; its number from 0.</param>
    /// <param name="what">The beginning of the error's text.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="GranaryUnavailableException">Nobody answered within the limit.</exception>
    public async Task<T> CallAsync<T>(Func<int, Task<T>> call, string what, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        var pause = _first;
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await call(attempt).WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (IsTransient(e) && !cancellationToken.IsCancellationRequested)
            {
                if (time.GetElapsedTime(begun) >= limit || stopping.IsCancellationRequested)
                    throw new GranaryUnavailableException($"{what}: {Reason(e)}", TimeSpan.FromSeconds(1), e);
            }

            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < _longest ? pause * 2 : _longest;
        }
    }

    /// <summary>Whether the same call may succeed: its way was cut off, or its silo can't reach the database.</summary>
    public static bool IsTransient(Exception e) => e is TimeoutException or GranaryUnavailableException or OrleansMessageRejectionException
        or ClientNotAvailableException or GatewayTooBusyException or Orleans.Runtime.Messaging.ConnectionFailedException;

    private static string Reason(Exception e) => e is GranaryException { What: { } what } ? what : e.Message;
}
