namespace Granary.Engine;

/// <summary>Starts runs, implemented by the client.</summary>
internal interface IRunStarter
{
    Task<StartedRun> StartAsync<TIn>(string workflow, TIn input, RunOptions? options, CancellationToken cancellationToken);

    RunHandle Handle(StartedRun run);

    RunHandle<TOut> Handle<TOut>(StartedRun run);
}

/// <summary>What a start came to.</summary>
internal readonly record struct StartedRun(RunId Id, bool IsNew, bool InputDiffers);

/// <summary>A workflow reference that knows who starts its runs.</summary>
internal abstract class WorkflowRef
{
    public abstract IRunStarter Starter { get; }
}

/// <summary>The reference that the client hands out.</summary>
internal sealed class WorkflowRef<TWorkflow>(string name, IRunStarter starter) : WorkflowRef, IWorkflowRef<TWorkflow>
    where TWorkflow : Workflow
{
    public string Name { get; } = name;

    public override IRunStarter Starter { get; } = starter;
}
