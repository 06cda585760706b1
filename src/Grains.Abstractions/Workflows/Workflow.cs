namespace Granary;

/// <summary>The common root of all workflow classes. Derive from <see cref="Workflow{TIn, TOut}"/>.</summary>
public abstract class Workflow
{
    private protected Workflow()
    {
    }
}

/// <summary>
/// A durable workflow: ordinary C# whose steps are journaled, so that after a crash, a deploy or a restart it goes on
/// where it was.
/// </summary>
/// <typeparam name="TIn">What the run is started with; System.Text.Json must be able to write and read it.</typeparam>
/// <typeparam name="TOut">What the run returns; likewise.</typeparam>
/// <remarks>
/// An instance is made for each activation of a run, in a dependency-injection scope of its own, and rebuilt by replay:
/// its fields are the run's memory. The code must be deterministic: everything that touches the outside world belongs
/// in a step (<see cref="WorkflowContext.StepAsync{T}(string, Func{StepContext, Task{T}}, StepOptions?)"/>), a tool or
/// an agent; time, randomness and ids come from the context. All code of a run executes one piece at a time, so fields
/// need no locks.
/// </remarks>
public abstract class Workflow<TIn, TOut> : Workflow
{
    /// <summary>The workflow's code. It may run many times for one run (replay), each step's body only until its outcome is recorded.</summary>
    /// <param name="ctx">The run's verbs; valid only in this run's code, not in a step's body.</param>
    /// <param name="input">The input as it was recorded at the start.</param>
    /// <returns>The run's result. An exception fails the run with that exception's type and message; it is not retried.</returns>
    public abstract Task<TOut> RunAsync(WorkflowContext ctx, TIn input);
}
