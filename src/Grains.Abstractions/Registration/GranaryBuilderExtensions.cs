using System.Reflection;
using Granary.Engine;
using Microsoft.Extensions.DependencyInjection;

namespace Granary;

/// <summary>Adds workflows and settings to an application.</summary>
public static class GranaryBuilderExtensions
{
    /// <summary>Changes settings in code; what is set here stands over configuration.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">The change.</param>
    public static IGranaryBuilder Configure(this IGranaryBuilder builder, Action<GranaryOptions> configure)
    {
        builder.Services.Configure(configure);
        return builder;
    }

    /// <summary>Adds a workflow class under the name of its <see cref="WorkflowAttribute"/>, else its simple name.</summary>
    /// <typeparam name="TWorkflow">A class derived from <see cref="Workflow{TIn, TOut}"/>; made by dependency injection, needn't be registered.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Its settings.</param>
    /// <remarks>One name for two workflows fails at start (<c>GRN1801</c>); the same class twice is once.</remarks>
    public static IWorkflowBuilder<TWorkflow> AddWorkflow<TWorkflow>(this IGranaryBuilder builder, Action<WorkflowOptions>? configure = null)
        where TWorkflow : Workflow
    {
        var descriptor = WorkflowDescriptor.For(typeof(TWorkflow), Options(WorkflowDescriptor.NameOf(typeof(TWorkflow)), configure));
        builder.Services.AddSingleton(descriptor);
        return new WorkflowBuilder<TWorkflow>(builder, descriptor.Name);
    }

    /// <summary>Adds a workflow that is a delegate.</summary>
    /// <typeparam name="TIn">Its input.</typeparam>
    /// <typeparam name="TOut">Its output.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <param name="name">Its stored name; 1 to 128 characters.</param>
    /// <param name="run">Its code; the same rules hold as for <see cref="Workflow{TIn, TOut}.RunAsync"/>.</param>
    /// <param name="configure">Its settings.</param>
    public static IWorkflowBuilder<Workflow<TIn, TOut>> AddWorkflow<TIn, TOut>(
        this IGranaryBuilder builder, string name, Func<WorkflowContext, TIn, Task<TOut>> run, Action<WorkflowOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        Names.CheckName(name, "workflow name");
        builder.Services.AddSingleton<WorkflowDescriptor>(
            new WorkflowDescriptor<TIn, TOut>(name, 1, run, _ => new DelegateWorkflow<TIn, TOut>(run), Options(name, configure)));
        return new WorkflowBuilder<Workflow<TIn, TOut>>(builder, name);
    }

    /// <summary>Adds every public, concrete workflow class of an assembly.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="assembly">The assembly.</param>
    public static IGranaryBuilder AddWorkflowsFrom(this IGranaryBuilder builder, Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        foreach (var type in assembly.GetExportedTypes().Where(t => !t.IsAbstract && !t.ContainsGenericParameters && t.IsAssignableTo(typeof(Workflow))))
            builder.Services.AddSingleton(WorkflowDescriptor.For(type, new WorkflowOptions()));
        return builder;
    }

    private static WorkflowOptions Options(string workflow, Action<WorkflowOptions>? configure)
    {
        var options = new WorkflowOptions();
        configure?.Invoke(options);
        if (options.MaxRecoveries < 1)
            throw Wrong(workflow, $"MaxRecoveries is {options.MaxRecoveries}", "at least 1");
        if (options.Retry?.Problem() is { } problem)
            throw Wrong(workflow, $"Retry has {problem.What}", problem.Instead);
        return options;
    }

    private static GranaryUsageException Wrong(string workflow, string what, string instead) =>
        new("GRN1902", $"Settings of workflow '{workflow}' are wrong: {what}.", $"Pass {instead}.");

    private sealed record WorkflowBuilder<TWorkflow>(IGranaryBuilder Granary, string Name) : IWorkflowBuilder<TWorkflow>
        where TWorkflow : Workflow;
}
