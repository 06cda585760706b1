using System.Reflection;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>A tool that carries how it runs. Outside of a run it is the tool it wraps.</summary>
internal class ConfiguredTool(AIFunction function, ToolOptions options) : DelegatingAIFunction(function)
{
    public ToolOptions Options { get; } = options;

    /// <summary>How a tool runs, from what it carries or else from its method's attribute and the given change.</summary>
    public static ToolOptions OptionsOf(AIFunction tool, Action<string, ToolOptions>? configure)
    {
        if (tool.GetService(typeof(ConfiguredTool)) is ConfiguredTool configured)
            return configured.Options;
        var options = FromAttribute(tool.UnderlyingMethod);
        configure?.Invoke(tool.Name, options);
        return options;
    }

    public static ToolOptions FromAttribute(MethodInfo? method)
    {
        var options = new ToolOptions();
        method?.GetCustomAttribute<ToolAttribute>(inherit: true)?.ApplyTo(options);
        options.RunOn = (method?.GetCustomAttribute<RunOnAttribute>(inherit: true) ?? method?.DeclaringType?.GetCustomAttribute<RunOnAttribute>(inherit: true))?.Role;
        return options;
    }
}
