using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Granary.Engine;

/// <summary>The seam between the context (and the agent layer above it) and the engine that executes a run.</summary>
internal interface IRunEngine
{
    RunId RunId { get; }

    RunInfo Info { get; }

    IServiceProvider Services { get; }

    CancellationToken CancellationToken { get; }

    bool IsReplaying { get; }

    ILogger Logger { get; }

    DateTimeOffset UtcNow { get; }

    Random Random { get; }

    /// <summary>How the application's values are written and read.</summary>
    JsonSerializerOptions Json { get; }

    Guid NewGuid();

    /// <summary>Refuses a verb outside of this run's code and inside step bodies.</summary>
    void Guard();

    /// <summary>The next key of the ambient scope, for a step that is asked for a moment later.</summary>
    StepKey NextKey();

    /// <summary>Whether the journal has a step of that kind at the next place: what an earlier process decided there stands.</summary>
    bool HasRecordedNext(string kind);

    /// <summary>Answers a step from its record, or runs its body and records the outcome.</summary>
    /// <exception cref="StepFailedException">The last attempt failed.</exception>
    Task<T> RunStepAsync<T>(StepCall<T> call);

    Task SleepAsync(TimeSpan? duration, DateTimeOffset? until);

    Task<Signal<T>?> WaitForSignalAsync<T>(string topic, TimeSpan? within);

    /// <summary>Asks people. Only the caller waits; the rest of the run goes on.</summary>
    Task<Approval<T>> RequestApprovalAsync<T>(ApprovalCall<T> call);

    Task SetEventAsync<T>(string name, T value);

    Task<T> BranchAsync<T>(string name, Func<Task<T>> body);

    /// <summary>Runs workflow code under a scope of the caller's making, on the run's scheduler.</summary>
    Task<T> InScopeAsync<T>(StepScope scope, Func<Task<T>> body);

    /// <summary>
    /// Tells errors that stop the run (it lost its claim, it diverged, it is ending) from failures that code may handle.
    /// A tool loop must let these pass and never show them to a model.
    /// </summary>
    bool IsControlFlow(Exception exception);
}
