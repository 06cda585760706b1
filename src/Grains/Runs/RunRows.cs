using System.Text.Json;
using Granary.Engine;
using Granary.Grains;
using Granary.Journal;

namespace Granary.Runs;

/// <summary>Shows run rows and journal rows to callers.</summary>
internal static class RunRows
{
    public static RunInfo ToInfo(RunRow row) => new()
    {
        Id = new RunId(row.Id),
        Workflow = row.Workflow,
        WorkflowVersion = row.WorkflowVersion,
        ApplicationVersion = row.Version,
        Status = row.Status,
        WaitingOn = row.WaitingOn,
        Error = row.Error is null ? null : RunHistory.ReadError(row.Error),
        RecoveryAttempts = row.RecoveryAttempts,
        Deadline = row.Deadline,
        CreatedAt = row.CreatedAt,
        StartedAt = row.StartedAt,
        CompletedAt = row.CompletedAt,
        Input = Element(row.Input),
        Output = Element(row.Output),
    };

    public static RunSnapshot ToSnapshot(RunRow row) => new()
    {
        Id = row.Id,
        Workflow = row.Workflow,
        WorkflowVersion = row.WorkflowVersion,
        Version = row.Version,
        Status = row.Status,
        WaitingOn = row.WaitingOn,
        Input = PayloadCodec.Decode(row.Input),
        Output = row.Output is null ? null : PayloadCodec.Decode(row.Output),
        Error = row.Error,
        RecoveryAttempts = row.RecoveryAttempts,
        Deadline = row.Deadline,
        CreatedAt = row.CreatedAt,
        StartedAt = row.StartedAt,
        CompletedAt = row.CompletedAt,
    };

    public static JournalFact ToFact(JournalRow row) =>
        new(row.Seq, row.Kind, row.Epoch, row.StepKey, row.StepKind, row.Name, row.Attempt, row.Error, row.StartedAt, row.CommittedAt);

    public static RunEnd? ToEnd(RunRow row) => row.Status is RunStatus.Succeeded or RunStatus.Failed or RunStatus.Cancelled or RunStatus.Poisoned
        ? new RunEnd(row.Status, row.Output is null ? null : PayloadCodec.Decode(row.Output), row.Error)
        : null;

    private static JsonElement? Element(Payload? payload) =>
        payload is null ? null : JsonSerializer.Deserialize<JsonElement>(PayloadCodec.Decode(payload), GranaryJson.Own);
}
