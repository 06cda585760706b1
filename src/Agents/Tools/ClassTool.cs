using System.ComponentModel;
using System.Reflection;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Agents;

/// <summary>A method of a class that is taken from the attempt's service scope for each call, or made for it.</summary>
internal sealed class ClassTool : ConfiguredTool
{
    private readonly Type _type;

    private ClassTool(Type type, MethodInfo method)
        : base(Create(type, method), FromAttribute(method))
    {
        _type = type;
        Method = method;
    }

    public MethodInfo Method { get; }

    /// <summary>The public methods that carry <see cref="DescriptionAttribute"/> or <see cref="ToolAttribute"/>, in the order of their names.</summary>
    public static IReadOnlyList<ClassTool> Of(Type type) =>
        [.. type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static)
            .Where(m => m.IsDefined(typeof(ToolAttribute), inherit: true) || m.IsDefined(typeof(DescriptionAttribute), inherit: true))
            .OrderBy(m => m.Name, StringComparer.Ordinal)
            .Select(m => new ClassTool(type, m))];

    protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
    {
        if (Method.IsStatic)
            return await InnerFunction.InvokeAsync(arguments, cancellationToken).ConfigureAwait(true);
        var services = arguments.Services ?? throw new GranaryUsageException("GRN2012",
            $"The tool '{Name}' has no services to make its class from.", "Pass a service provider where the chat client is built.");

        // What the application registered is the container's to dispose; what is made here is ours.
        var registered = services.GetService(_type);
        var target = registered ?? ActivatorUtilities.CreateInstance(services, _type);
        try
        {
            var bound = AIFunctionFactory.Create(Method, target, ToolParameters.Options(Name));
            return await bound.InvokeAsync(arguments, cancellationToken).ConfigureAwait(true);
        }
        finally
        {
            if (registered is null)
                await DisposeAsync(target).ConfigureAwait(true);
        }
    }

    private static AIFunction Create(Type type, MethodInfo method)
    {
        var options = ToolParameters.Options(method.GetCustomAttribute<ToolAttribute>(inherit: true)?.Name);
        return method.IsStatic
            ? AIFunctionFactory.Create(method, target: null, options)
            : AIFunctionFactory.Create(method, arguments => ActivatorUtilities.GetServiceOrCreateInstance(arguments.Services!, type), options);
    }

    private static async ValueTask DisposeAsync(object target)
    {
        if (target is IAsyncDisposable asynchronous)
            await asynchronous.DisposeAsync().ConfigureAwait(true);
        else
            (target as IDisposable)?.Dispose();
    }
}
