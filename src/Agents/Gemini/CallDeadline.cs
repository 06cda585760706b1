namespace Granary;

/// <summary>The time limit of one call, and the translation of what goes wrong while its bytes travel.</summary>
internal sealed class CallDeadline : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _clock;
    private readonly CancellationTokenSource _either;

    public CallDeadline(TimeSpan limit, TimeProvider time, CancellationToken caller)
    {
        _limit = limit;
        _caller = caller;
        _clock = new(limit, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_clock.Token, caller);
    }

    /// <summary>Runs one piece of I/O within the limit.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ModelException">The limit passed, or the connection failed.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> io)
    {
        try
        {
            return await io(_either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (_caller.IsCancellationRequested && e is OperationCanceledException or IOException or HttpRequestException)
        {
            _caller.ThrowIfCancellationRequested();
            throw;
        }
        catch (Exception e) when (_clock.IsCancellationRequested && e is OperationCanceledException or IOException or HttpRequestException)
        {
            throw TimedOut($"Gemini did not finish within {_limit}.", "Raise GeminiOptions.Timeout, or ask for less.", e);
        }
        catch (OperationCanceledException e)
        {
            throw TimedOut("The given HTTP client's own time limit ended the call.", "Raise HttpClient.Timeout, or let GeminiOptions.Timeout decide.", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new ModelException(
                ModelErrors.Unreachable, $"Gemini could not be reached, or the connection broke: {e.Message}",
                "Check the network, the proxy and the endpoint (GRANARY_GEMINI_ENDPOINT), then try again.", e)
            {
                IsTransient = true,
            };
        }
    }

    public void Dispose()
    {
        _either.Dispose();
        _clock.Dispose();
    }

    private static ModelException TimedOut(string what, string remedy, Exception cause) =>
        new(ModelErrors.TimedOut, what, remedy, cause) { IsTransient = true };
}
