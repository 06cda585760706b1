namespace Granary;

/// <summary>
/// Starts runs and talks to them. A singleton; thread-safe. Not for use in workflow code, where it is refused
/// (<c>GRN1205</c>); step bodies and tools may use it.
/// </summary>
public interface IGranaryClient
{
    /// <summary>A workflow by its class, or by a contract class that carries its name.</summary>
    /// <typeparam name="TWorkflow">The class.</typeparam>
    IWorkflowRef<TWorkflow> Workflow<TWorkflow>()
        where TWorkflow : Workflow;

    /// <summary>A workflow by its name, with its types.</summary>
    /// <typeparam name="TIn">Its input.</typeparam>
    /// <typeparam name="TOut">Its output.</typeparam>
    /// <param name="name">Its stored name.</param>
    IWorkflowRef<Workflow<TIn, TOut>> Workflow<TIn, TOut>(string name);

    /// <summary>A workflow by its name alone.</summary>
    /// <param name="name">Its stored name.</param>
    NamedWorkflow Workflow(string name);

    /// <summary>A run by its id. Costs nothing; whether it exists shows at the first verb.</summary>
    /// <param name="id">The run's id.</param>
    RunHandle Run(RunId id);

    /// <summary>A run by its id, with its result type.</summary>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <param name="id">The run's id.</param>
    RunHandle<TOut> Run<TOut>(RunId id);

    /// <summary>The open questions of all runs.</summary>
    ApprovalInbox Approvals { get; }

    /// <summary>A client that acts for somebody: approvals are decided in their name.</summary>
    /// <param name="user">Who.</param>
    /// <param name="roles">In which roles.</param>
    IGranaryClient As(string user, params string[] roles);
}
