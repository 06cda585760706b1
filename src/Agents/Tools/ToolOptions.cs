namespace Granary;

/// <summary>How one tool runs. Set at start-up; not changed afterwards.</summary>
public class ToolOptions
{
    /// <summary>When and how often a failed call is tried again. Default null: what the agent says, else what <see cref="GranaryOptions.Retry"/> says. Arguments that don't fit are never tried again.</summary>
    public RetryOptions? Retry { get; set; }

    /// <summary>The limit of one attempt; positive. Default null: what the agent says, else none.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>Where the tool's code runs. Default <see cref="ToolExecution.Step"/>.</summary>
    public ToolExecution Execution { get; set; } = ToolExecution.Step;

    /// <summary>
    /// The role of the silos that run the tool's code (<see cref="GranaryOptions.Roles"/>), 1 to 128 characters; default null:
    /// where the run is. Only for steps, and for tools of an agent: others are refused (<c>GRN2013</c>). There the tool sees no
    /// messages, and no <c>FunctionInvoker</c> of the chat client. When that silo dies the call is sent to another one, with
    /// the same idempotency key and attempt number.
    /// </summary>
    public string? RunOn { get; set; }

    /// <summary>
    /// Whether a person must approve a call before it is made; default null: no, unless the tool is an
    /// <c>ApprovalRequiredAIFunction</c>. Holds inside of runs; a client that is used outside of one makes its calls at once.
    /// </summary>
    public ToolApproval? Approval { get; set; }
}

/// <summary>Where a tool's code runs.</summary>
public enum ToolExecution
{
    /// <summary>As a step: its outcome is recorded, and a call that was recorded never runs again. A call that a crash cut off runs again under the same <see cref="StepContext.IdempotencyKey"/>.</summary>
    Step,

    /// <summary>In workflow context: the tool's code runs again on every replay, must be deterministic, and may use the run's verbs (steps, sleeps, agents); those are recorded.</summary>
    Workflow,

    /// <summary>In workflow context and without a record: the tool runs again on every replay. For pure functions only.</summary>
    Untracked,
}

/// <summary>What a tool's failure does after its last attempt.</summary>
public enum ToolFailure
{
    /// <summary>The model is told that the call failed and may go on. Default.</summary>
    TellModel,

    /// <summary>The call fails with <see cref="StepFailedException"/>, after the other calls of the same reply have ended. Unknown tools and arguments that don't fit are still told to the model.</summary>
    FailRun,
}
