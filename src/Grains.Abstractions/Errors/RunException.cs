namespace Granary;

/// <summary>What is wrong with a run, as its caller sees it.</summary>
public abstract class RunException : GranaryException
{
    private protected RunException(RunId runId, string code, string what, string? remedy, Exception? inner = null)
        : base(code, what, remedy, inner) => RunId = runId;

    /// <summary>The run.</summary>
    public RunId RunId { get; }
}

/// <summary><c>GRN1001</c>: no run has that id.</summary>
/// <param name="runId">The id.</param>
public sealed class RunNotFoundException(RunId runId)
    : RunException(runId, "GRN1001", $"There is no run '{runId}'.", "Check the id, and that this process uses the database the run was started in.");

/// <summary><c>GRN1002</c>: the id belongs to a run of another workflow, which is untouched.</summary>
/// <param name="runId">The id.</param>
/// <param name="existingWorkflow">The workflow of the run that has it.</param>
/// <param name="requestedWorkflow">The workflow that was to be started.</param>
public sealed class RunConflictException(RunId runId, string existingWorkflow, string requestedWorkflow)
    : RunException(runId, "GRN1002", $"The id '{runId}' belongs to a run of workflow '{existingWorkflow}', not '{requestedWorkflow}'.", "Use another id.")
{
    /// <summary>The workflow of the run that has the id.</summary>
    public string ExistingWorkflow { get; } = existingWorkflow;
}

/// <summary><c>GRN1003</c>: the run doesn't stand so that the verb could apply: it has ended.</summary>
/// <param name="runId">The run.</param>
/// <param name="status">How it stands.</param>
/// <param name="verb">What was asked of it.</param>
public sealed class RunStateException(RunId runId, RunStatus status, string verb)
    : RunException(runId, "GRN1003", $"Run '{runId}' {verb}: it has ended ({status.ToString().ToLowerInvariant()}).", "Look at its result; start or fork another run.")
{
    /// <summary>How the run stands.</summary>
    public RunStatus Status { get; } = status;
}

/// <summary><c>GRN1101</c>: the run's code threw.</summary>
/// <param name="runId">The run.</param>
/// <param name="error">What it threw.</param>
public sealed class RunFailedException(RunId runId, RunError error)
    : RunException(runId, "GRN1101", $"Run '{runId}' failed{(error.Step is null ? "" : $" in step {error.Step}")}: {error.Type}: {error.Message}", null)
{
    /// <summary>What the run's code threw.</summary>
    public RunError Error { get; } = error;
}

/// <summary><c>GRN1102</c>: the run was cancelled.</summary>
/// <param name="runId">The run.</param>
/// <param name="reason">Why.</param>
public sealed class RunCancelledException(RunId runId, string? reason)
    : RunException(runId, "GRN1102", $"Run '{runId}' was cancelled{(reason is null ? "." : $": {reason}")}", null)
{
    /// <summary>Why.</summary>
    public string? Reason { get; } = reason;
}

/// <summary><c>GRN1103</c>: the run's owner died too often without a step being recorded in between.</summary>
/// <param name="runId">The run.</param>
public sealed class RunPoisonedException(RunId runId)
    : RunException(runId, "GRN1103", $"Run '{runId}' is poisoned: the processes that executed it died too often.",
        "Look at what its next step does to its process, mend that, and start a new run.");

/// <summary><c>GRN1203</c>: the code asked for another step than the journal has at that place. The run stopped before a new body ran.</summary>
/// <param name="runId">The run.</param>
/// <param name="step">The place.</param>
/// <param name="recorded">What the journal has there.</param>
/// <param name="requested">What the code asked for.</param>
public sealed class NondeterminismException(RunId runId, StepKey step, string? recorded, string? requested)
    : RunException(runId, "GRN1203",
        $"Run '{runId}' replayed step {step} as {requested ?? "nothing"} but its journal recorded {recorded ?? "nothing"}.",
        "The code changed while this run was open, or it isn't deterministic: put time, randomness, I/O and iteration over unordered collections into steps, or run a build with the old code until the run ends.")
{
    /// <summary>The place.</summary>
    public StepKey Step { get; } = step;

    /// <summary>What the journal has there.</summary>
    public string? Recorded { get; } = recorded;

    /// <summary>What the code asked for.</summary>
    public string? Requested { get; } = requested;
}
