using Granary.Journal;

namespace Granary.Runs;

/// <summary>The rows of steps.</summary>
internal static class StepRows
{
    public static JournalRow Succeeded(StepSlot slot, int epoch, Payload? output) => Row(FactKind.StepSucceeded, slot, epoch, output: output);

    public static JournalRow Failed(StepSlot slot, int epoch, RunError error) =>
        Row(FactKind.StepFailed, slot, epoch, error: RunHistory.WriteError(error));

    public static JournalRow Retried(StepSlot slot, int epoch, RunError error, DateTimeOffset due) =>
        Row(FactKind.StepRetried, slot, epoch, error: RunHistory.WriteError(error), due: due);

    public static JournalRow Running(StepSlot slot, int epoch) => Row(FactKind.StepRunning, slot, epoch);

    public static JournalRow TimerStarted(StepSlot slot, int epoch) => Row(FactKind.TimerStarted, slot, epoch, includeInput: false, due: slot.Due);

    public static JournalRow WaitStarted(StepSlot slot, int epoch) => Row(FactKind.WaitStarted, slot, epoch, due: slot.Due);

    private static JournalRow Row(string kind, StepSlot slot, int epoch, bool includeInput = true, Payload? output = null, byte[]? error = null, DateTimeOffset? due = null) => new()
    {
        Kind = kind,
        Epoch = epoch,
        StepKey = slot.Key.Value,
        StepKind = slot.Kind,
        Name = slot.Name,
        Attempt = slot.Attempt,
        Fingerprint = slot.Fingerprint,
        Input = includeInput ? slot.Input : null,
        Output = output,
        Error = error,
        DueAt = due,
        StartedAt = slot.StartedAt,
    };
}
