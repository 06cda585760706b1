using Microsoft.Extensions.DependencyInjection;

namespace Granary;

/// <summary>What <c>AddGranary</c> returns: the place to add workflows and agents. Use it at start-up from one thread.</summary>
public interface IGranaryBuilder
{
    /// <summary>The application's services.</summary>
    IServiceCollection Services { get; }
}

/// <summary>A workflow that was added.</summary>
/// <typeparam name="TWorkflow">Its class.</typeparam>
public interface IWorkflowBuilder<out TWorkflow>
    where TWorkflow : Workflow
{
    /// <summary>The builder it was added to.</summary>
    IGranaryBuilder Granary { get; }

    /// <summary>The workflow's stored name.</summary>
    string Name { get; }
}
