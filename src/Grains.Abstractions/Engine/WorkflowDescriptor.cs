using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Engine;

/// <summary>A registered workflow: how its runs are named, made and executed.</summary>
/// <param name="name">The stored name.</param>
/// <param name="version">The class's version.</param>
/// <param name="identity">What tells two registrations of one workflow from two workflows: the class, or the delegate.</param>
/// <param name="options">Its settings.</param>
internal abstract class WorkflowDescriptor(string name, int version, object identity, WorkflowOptions options)
{
    public string Name { get; } = name;

    public int Version { get; } = version;

    public object Identity { get; } = identity;

    public WorkflowOptions Options { get; } = options;

    /// <summary>Reads the input; throws what the serialiser throws.</summary>
    public abstract object? ReadInput(ReadOnlySpan<byte> input, JsonSerializerOptions json);

    /// <summary>Makes an instance: one for each activation.</summary>
    /// <param name="services">The activation's scope.</param>
    public abstract object Create(IServiceProvider services);

    /// <summary>Runs an instance's code.</summary>
    /// <param name="workflow">What <see cref="Create"/> returned.</param>
    /// <param name="ctx">The run's verbs.</param>
    /// <param name="input">What <see cref="ReadInput"/> returned.</param>
    /// <param name="write">Writes the result.</param>
    public abstract Task<byte[]> RunAsync(object workflow, WorkflowContext ctx, object? input, IResultWriter write);

    /// <summary>The stored name of a workflow class.</summary>
    public static string NameOf(Type type) => type.GetCustomAttribute<WorkflowAttribute>(inherit: true)?.Name ?? type.Name;

    public static WorkflowDescriptor For(Type type, WorkflowOptions options)
    {
        var contract = type.BaseType;
        while (contract is not null && !(contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(Workflow<,>)))
            contract = contract.BaseType;
        if (contract is null || type.IsAbstract)
        {
            throw new GranaryUsageException("GRN1802", $"{type} is no workflow that can be made: {(contract is null ? "it doesn't derive from Workflow<TIn, TOut>" : "it is abstract")}.",
                "Add a concrete class derived from Workflow<TIn, TOut>.");
        }

        var name = NameOf(type);
        Names.CheckName(name, "workflow name");
        var version = type.GetCustomAttribute<WorkflowAttribute>(inherit: true)?.Version ?? 1;
        var descriptor = typeof(WorkflowDescriptor<,>).MakeGenericType(contract.GetGenericArguments());
        return (WorkflowDescriptor)Activator.CreateInstance(
            descriptor, name, version, type, (Func<IServiceProvider, object>)(services => ActivatorUtilities.CreateInstance(services, type)), options)!;
    }
}

/// <summary>Writes a run's result as it is stored.</summary>
internal interface IResultWriter
{
    byte[] Write<T>(T value);
}

internal sealed class WorkflowDescriptor<TIn, TOut>(string name, int version, object identity, Func<IServiceProvider, object> create, WorkflowOptions options)
    : WorkflowDescriptor(name, version, identity, options)
{
    public override object? ReadInput(ReadOnlySpan<byte> input, JsonSerializerOptions json) => JsonSerializer.Deserialize<TIn>(input, json);

    public override object Create(IServiceProvider services) => create(services);

    public override async Task<byte[]> RunAsync(object workflow, WorkflowContext ctx, object? input, IResultWriter write) =>
        write.Write(await ((Workflow<TIn, TOut>)workflow).RunAsync(ctx, (TIn)input!).ConfigureAwait(true));
}

/// <summary>A workflow that is a delegate.</summary>
internal sealed class DelegateWorkflow<TIn, TOut>(Func<WorkflowContext, TIn, Task<TOut>> run) : Workflow<TIn, TOut>
{
    public override Task<TOut> RunAsync(WorkflowContext ctx, TIn input) => run(ctx, input);
}
