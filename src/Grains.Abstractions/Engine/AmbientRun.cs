namespace Granary.Engine;

/// <summary>What flows with a run's code: the run and the scope that numbers its steps; in a step's body, the step instead.</summary>
internal static class AmbientRun
{
    private static readonly AsyncLocal<RunFlow?> _flow = new();
    private static readonly AsyncLocal<StepContext?> _step = new();

    /// <summary>The run whose code is executing here; null in step bodies.</summary>
    public static RunFlow? Current => _flow.Value;

    /// <summary>The attempt whose body is executing here.</summary>
    public static StepContext? CurrentStep => _step.Value;

    /// <summary>Enters workflow code. The change ends with the async method that calls this.</summary>
    public static void Enter(RunFlow? flow)
    {
        _flow.Value = flow;
        _step.Value = null;
    }

    /// <summary>Enters a step's body. The change ends with the async method that calls this.</summary>
    public static void EnterBody(StepContext step)
    {
        _flow.Value = null;
        _step.Value = step;
    }
}

/// <summary>A run and the scope in which its code is executing.</summary>
internal sealed record RunFlow(IRunEngine Engine, WorkflowContext Context, StepScope Scope);
