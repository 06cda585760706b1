using System.Net;
using System.Net.Sockets;

namespace Granary.Agents;

/// <summary>Tells the failures of model calls that may pass by themselves from those that a second try only repeats.</summary>
internal static class ModelFailures
{
    /// <summary>Fills in what the user left open: which failures are tried again, and the delay that the provider asks for.</summary>
    public static RetryOptions Complete(RetryOptions retry) => retry with
    {
        ShouldRetry = retry.ShouldRetry ?? IsTransient,
        RetryAfter = retry.RetryAfter ?? RetryAfter,
    };

    /// <summary>429, 408, 5xx, time-outs and broken connections; never a request that the provider refused.</summary>
    public static bool IsTransient(Exception exception) => exception switch
    {
        TerminalException => false,
        ModelException failure => failure.IsTransient,
        TimeoutException => true,

        // Judged where it was thrown.
        ActivityFailedException failure => failure.IsTransient,

        // The attempt ran past the step's own limit.
        GranaryException failure => failure.IsTransient || failure.Code == "GRN1302",
        HttpRequestException { StatusCode: { } status } => IsTransient((int)status),
        HttpRequestException or SocketException or HttpIOException => true,

        // An HTTP client's own time limit. When the run ends or loses its claim, nobody asks.
        OperationCanceledException => true,
        _ => StatusOf(exception) is { } status && IsTransient(status),
    };

    public static TimeSpan? RetryAfter(Exception exception) => exception switch
    {
        ModelException failure => failure.RetryAfter,
        ActivityFailedException failure => failure.RetryAfter,
        _ => null,
    };

    private static bool IsTransient(int status) => status is 408 or 429 or (>= 500 and <= 599);

    // Every provider's library has an exception of its own, but nearly all call the property by one of these names.
    private static int? StatusOf(Exception exception)
    {
        foreach (var name in (string[])["Status", "StatusCode"])
        {
            switch (exception.GetType().GetProperty(name)?.GetValue(exception))
            {
                case int status:
                    return status;
                case HttpStatusCode status:
                    return (int)status;
            }
        }

        return null;
    }
}
