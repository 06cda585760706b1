namespace Granary.Engine;

/// <summary>What a run handle can do, implemented by the client.</summary>
internal interface IRunReader
{
    Task<T> ResultAsync<T>(RunId id, CancellationToken cancellationToken);

    Task WaitAsync(RunId id, CancellationToken cancellationToken);

    Task<RunInfo> InfoAsync(RunId id, CancellationToken cancellationToken);

    IAsyncEnumerable<StepInfo> StepsAsync(RunId id, CancellationToken cancellationToken);

    IAsyncEnumerable<RunUpdate> WatchAsync(RunId id, long after, CancellationToken cancellationToken);

    Task SignalAsync<T>(RunId id, string topic, T payload, string? idempotencyKey, CancellationToken cancellationToken);

    Task ResumeAsync(RunId id, ResumeOptions? options, CancellationToken cancellationToken);

    Task CancelAsync(RunId id, string? reason, CancellationToken cancellationToken);

    Task<T> QueryAsync<T>(RunId id, string query, CancellationToken cancellationToken);

    /// <summary>The first value after a place in the journal, or the newest; null when none came in time.</summary>
    /// <exception cref="RunStateException">The run has ended and none can come.</exception>
    Task<EventValue<T>?> EventAsync<T>(RunId id, string name, long? after, TimeSpan within, CancellationToken cancellationToken);
}
