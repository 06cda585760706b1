namespace Granary.Engine;

/// <summary>What a run handle can do, implemented by the client.</summary>
internal interface IRunReader
{
    Task<T> ResultAsync<T>(RunId id, CancellationToken cancellationToken);

    Task WaitAsync(RunId id, CancellationToken cancellationToken);

    Task<RunInfo> InfoAsync(RunId id, CancellationToken cancellationToken);

    IAsyncEnumerable<StepInfo> StepsAsync(RunId id, CancellationToken cancellationToken);

    IAsyncEnumerable<RunUpdate> WatchAsync(RunId id, long after, CancellationToken cancellationToken);
}
