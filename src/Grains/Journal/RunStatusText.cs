namespace Granary.Journal;

/// <summary>A status as the tables and views have it.</summary>
internal static class RunStatusText
{
    public static string Of(RunStatus status) => status switch
    {
        RunStatus.Delayed => "delayed",
        RunStatus.Queued => "queued",
        RunStatus.Running => "running",
        RunStatus.Waiting => "waiting",
        RunStatus.Succeeded => "succeeded",
        RunStatus.Failed => "failed",
        RunStatus.Cancelled => "cancelled",
        RunStatus.Poisoned => "poisoned",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "There is no such status."),
    };

    public static RunStatus Parse(string text) => text switch
    {
        "delayed" => RunStatus.Delayed,
        "queued" => RunStatus.Queued,
        "running" => RunStatus.Running,
        "waiting" => RunStatus.Waiting,
        "succeeded" => RunStatus.Succeeded,
        "failed" => RunStatus.Failed,
        "cancelled" => RunStatus.Cancelled,
        "poisoned" => RunStatus.Poisoned,
        _ => throw new InvalidDataException($"A run has the status '{text}', which this build doesn't know."),
    };
}
