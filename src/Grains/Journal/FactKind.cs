namespace Granary.Journal;

/// <summary>
/// The kinds of journal rows, stored by name. A shipped name never changes its meaning; <c>docs/journal.md</c> lists them.
/// </summary>
internal static class FactKind
{
    // The run.
    public const string Started = "Started";
    public const string Claimed = "Claimed";
    public const string Released = "Released";
    public const string Parked = "Parked";
    public const string Waiting = "Waiting";
    public const string SignalReceived = "SignalReceived";
    public const string CancelRequested = "CancelRequested";
    public const string Resumed = "Resumed";
    public const string Succeeded = "Succeeded";
    public const string Failed = "Failed";
    public const string Cancelled = "Cancelled";
    public const string Poisoned = "Poisoned";

    // Outcomes of steps, handed to the code in the order of their numbers.
    public const string StepSucceeded = "StepSucceeded";
    public const string StepFailed = "StepFailed";

    // Bookkeeping of steps: never handed to the code.
    public const string StepRetried = "StepRetried";
    public const string StepRunning = "StepRunning";
    public const string TimerStarted = "TimerStarted";
    public const string WaitStarted = "WaitStarted";

    /// <summary>True for the row that ends a run.</summary>
    public static bool IsTerminal(string kind) => kind is Succeeded or Failed or Cancelled or Poisoned;

    /// <summary>True for a row that workflow code is given.</summary>
    public static bool IsOutcome(string kind) => kind is StepSucceeded or StepFailed;
}
