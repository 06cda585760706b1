using Granary.Journal;

namespace Granary.Runs;

/// <summary>The rows of steps.</summary>
internal static class StepRows
{
    public static JournalRow Succeeded(StepSlot slot, int epoch, Payload? output) =>
        Row(FactKind.StepSucceeded, slot, epoch, includeInput: true) with { Output = output };

    public static JournalRow Failed(StepSlot slot, int epoch, RunError error) =>
        Row(FactKind.StepFailed, slot, epoch, includeInput: true) with { Error = RunHistory.WriteError(error) };

    public static JournalRow Retried(StepSlot slot, int epoch, RunError error, DateTimeOffset due) =>
        Row(FactKind.StepRetried, slot, epoch, includeInput: true) with { Error = RunHistory.WriteError(error), DueAt = due };

    public static JournalRow Running(StepSlot slot, int epoch) => Row(FactKind.StepRunning, slot, epoch, includeInput: true);

    public static JournalRow TimerStarted(StepSlot slot, int epoch) => Row(FactKind.TimerStarted, slot, epoch, includeInput: false) with { DueAt = slot.Due };

    private static JournalRow Row(string kind, StepSlot slot, int epoch, bool includeInput) => new()
    {
        Kind = kind,
        Epoch = epoch,
        StepKey = slot.Key.Value,
        StepKind = slot.Kind,
        Name = slot.Name,
        Attempt = slot.Attempt,
        Fingerprint = slot.Fingerprint,
        Input = includeInput ? slot.Input : null,
        StartedAt = slot.StartedAt,
    };
}
