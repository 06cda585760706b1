namespace Granary;

/// <summary>
/// A workflow by its type or name: a noun, whose verbs are in <see cref="WorkflowRefExtensions"/>. Costs nothing and never fails.
/// </summary>
/// <typeparam name="TWorkflow">The class; covariant, so that input and output are inferred from its base class.</typeparam>
public interface IWorkflowRef<out TWorkflow>
    where TWorkflow : Workflow
{
    /// <summary>The workflow's stored name.</summary>
    string Name { get; }
}
