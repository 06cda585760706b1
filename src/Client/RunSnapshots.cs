using System.Text.Json;
using Granary.Engine;
using Granary.Grains;

namespace Granary.Client;

/// <summary>Turns grain messages into what users see.</summary>
internal static class RunSnapshots
{
    public static RunInfo ToInfo(RunSnapshot run) => new()
    {
        Id = new RunId(run.Id),
        Workflow = run.Workflow,
        WorkflowVersion = run.WorkflowVersion,
        ApplicationVersion = run.Version,
        Status = run.Status,
        WaitingOn = run.WaitingOn,
        Error = run.Error is null ? null : ReadError(run.Error),
        RecoveryAttempts = run.RecoveryAttempts,
        Deadline = run.Deadline,
        CreatedAt = run.CreatedAt,
        StartedAt = run.StartedAt,
        CompletedAt = run.CompletedAt,
        Input = Element(run.Input),
        Output = Element(run.Output),
    };

    public static RunError ReadError(byte[]? error) =>
        error is null ? new RunError("unknown", "No error was recorded.") : JsonSerializer.Deserialize<RunError>(error, GranaryJson.Own)!;

    /// <summary>The attempt that a row records; null for rows of the run and bookkeeping.</summary>
    public static StepInfo? ToStep(JournalFact fact)
    {
        StepStatus? status = fact.Kind switch
        {
            "StepSucceeded" => StepStatus.Succeeded,
            "StepFailed" => StepStatus.Failed,
            "StepRetried" => StepStatus.Retried,
            _ => null,
        };
        if (status is null)
            return null;
        var started = fact.StartedAt ?? fact.CommittedAt;
        return new StepInfo(fact.Sequence, new StepKey(fact.StepKey!), fact.StepKind!, fact.Name!, fact.Attempt, status.Value, started,
            fact.CommittedAt - started, fact.Epoch, fact.Error is null ? null : ReadError(fact.Error));
    }

    public static RunUpdate? ToUpdate(JournalFact fact)
    {
        if (ToStep(fact) is { } step)
            return new StepEnded(fact.Sequence, fact.CommittedAt, step);
        RunStatus? status = fact.Kind switch
        {
            "Started" or "Claimed" or "Released" or "Resumed" => RunStatus.Running,
            "Parked" or "Waiting" or "TimerStarted" or "WaitStarted" => RunStatus.Waiting,
            "Succeeded" => RunStatus.Succeeded,
            "Failed" => RunStatus.Failed,
            "Cancelled" => RunStatus.Cancelled,
            "Poisoned" => RunStatus.Poisoned,
            _ => null,
        };
        return status is null ? null : new RunStatusChanged(fact.Sequence, fact.CommittedAt, status.Value);
    }

    private static JsonElement? Element(byte[]? json) => json is null ? null : JsonSerializer.Deserialize<JsonElement>(json, GranaryJson.Own);
}
