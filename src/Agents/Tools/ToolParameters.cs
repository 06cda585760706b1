using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>Which parameters of a tool the model fills in, which Granary does, and whether the model's values fit.</summary>
internal static class ToolParameters
{
    // One delegate for all: the factory caches a method's schema by it.
    private static readonly Func<ParameterInfo, AIFunctionFactoryOptions.ParameterBindingOptions> _bindings = Binding;

    /// <summary>How a tool is made from a method or delegate.</summary>
    /// <param name="name">The tool's name, or null for the method's.</param>
    public static AIFunctionFactoryOptions Options(string? name) => new() { Name = name, ConfigureParameterBinding = _bindings };

    /// <summary>Reads every argument as its parameter's type, as the call itself will, so that what the model got wrong is not taken for a failure of the tool.</summary>
    /// <exception cref="ToolArgumentsException">An argument is missing or doesn't fit.</exception>
    public static void Check(AIFunction tool, IDictionary<string, object?>? arguments)
    {
        if (tool.JsonSchema.ValueKind != JsonValueKind.Object)
            return;
        if (tool.JsonSchema.TryGetProperty("required", out var required) && required.ValueKind == JsonValueKind.Array)
        {
            foreach (var name in required.EnumerateArray().Select(n => n.GetString()!))
            {
                if (arguments?.ContainsKey(name) is not true)
                    throw new ToolArgumentsException($"The arguments of '{tool.Name}' don't fit: '{name}' is missing.");
            }
        }

        if (tool.UnderlyingMethod is not { } method || !tool.JsonSchema.TryGetProperty("properties", out var properties))
            return;
        foreach (var parameter in method.GetParameters())
        {
            if (parameter.Name is { } name && properties.TryGetProperty(name, out _) && arguments?.TryGetValue(name, out var value) is true)
                Check(tool, parameter, value);
        }
    }

    private static void Check(AIFunction tool, ParameterInfo parameter, object? value)
    {
        var type = parameter.ParameterType;
        var isNull = value is null or JsonElement { ValueKind: JsonValueKind.Null };
        if (isNull && type.IsValueType && Nullable.GetUnderlyingType(type) is null)
            throw new ToolArgumentsException($"The arguments of '{tool.Name}' don't fit: '{parameter.Name}' is null.");
        if (value is not JsonElement element)
            return;
        try
        {
            element.Deserialize(tool.JsonSerializerOptions.GetTypeInfo(type));
        }
        catch (JsonException e)
        {
            throw new ToolArgumentsException($"The arguments of '{tool.Name}' don't fit: '{parameter.Name}' is no {type.Name}.", e);
        }
    }

    private static AIFunctionFactoryOptions.ParameterBindingOptions Binding(ParameterInfo parameter)
    {
        if (parameter.ParameterType == typeof(StepContext))
            return new() { ExcludeFromSchema = true, BindParameter = static (parameter, _) => StepContext.Current ?? Absent(parameter, "a step's body") };
        if (parameter.ParameterType == typeof(WorkflowContext))
            return new() { ExcludeFromSchema = true, BindParameter = static (parameter, _) => WorkflowContext.Current ?? Absent(parameter, "workflow context") };
        return default;
    }

    private static object? Absent(ParameterInfo parameter, string place) =>
        new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable
            ? null
            : throw new GranaryUsageException("GRN2012", $"The tool '{parameter.Member.Name}' takes a {parameter.ParameterType.Name} but doesn't run in {place}.",
                $"Set the tool's Execution to the place where it has one, or make the parameter nullable to use the tool elsewhere too.");
}

/// <summary>The model called a tool with arguments that don't fit: its mistake, not the tool's failure, so it is told and nothing is tried again.</summary>
internal sealed class ToolArgumentsException(string message, Exception? inner = null) : Exception(message, inner);
