using Microsoft.Extensions.Logging;

namespace Granary.Runs;

/// <content>What a run's loop logs.</content>
internal sealed partial class RunLoop
{
    [LoggerMessage(1001, LogLevel.Warning, "Run '{RunId}': another activation claimed it; this one (epoch {Epoch}) stops.")]
    private partial void LogFenced(string runId, int epoch);

    [LoggerMessage(1002, LogLevel.Warning, "Run '{RunId}': step {StepKey} ({Kind} '{Name}') has another input than the recorded one; its recorded outcome is used.")]
    private partial void LogInputDiffers(string runId, string stepKey, string kind, string name);

    [LoggerMessage(1003, LogLevel.Error, "Run '{RunId}' waits for another version: step {StepKey} is recorded as {Recorded}, the code asked for {Requested}.")]
    private partial void LogDiverged(Exception exception, string runId, string stepKey, string? recorded, string? requested);

    [LoggerMessage(1004, LogLevel.Critical, "GRN9901: the engine failed in run '{RunId}'; its activation is dropped and will be taken up again. Please report this.")]
    private partial void LogBug(Exception exception, string runId);

    [LoggerMessage(1006, LogLevel.Warning, "Run '{RunId}': a callback that its code registered on a cancellation token threw.")]
    private partial void LogCallbackFailed(Exception exception, string runId);

    [LoggerMessage(1005, LogLevel.Warning, "Run '{RunId}': a service of its scope failed to dispose.")]
    private partial void LogScopeFailed(Exception exception, string runId);

    [LoggerMessage(1007, LogLevel.Error, "Run '{RunId}': the retry filter of step '{Name}' ({StepKey}) threw; the step isn't tried again.")]
    private partial void LogFilterFailed(Exception exception, string runId, string name, string stepKey);

    [LoggerMessage(1008, LogLevel.Information, "Run '{RunId}' is being cancelled.")]
    private partial void LogCancelled(string runId);
}
