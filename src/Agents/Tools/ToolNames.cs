using System.Text.RegularExpressions;
using Granary.Engine;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>Refuses tools that a run can't rely on, before anything is stored.</summary>
internal static partial class ToolNames
{
    public static void Check(IEnumerable<AITool>? tools)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tool in tools ?? [])
        {
            if (tool is not AIFunctionDeclaration declaration)
                continue;
            Check(declaration);
            if (!names.Add(declaration.Name))
                throw Duplicate(declaration.Name);
        }
    }

    public static void Check(AIFunctionDeclaration tool)
    {
        Names.CheckName(tool.Name, "tool name");
        if (IsMadeByCompiler(tool))
        {
            throw new GranaryUsageException("GRN2003",
                $"The tool name '{tool.Name}' was made by the compiler for a lambda or local function; it changes when the code around it does, and then open runs no longer find their steps.",
                "Give the tool a name: AIFunctionFactory.Create(function, \"get_weather\"), or use a method of a class.");
        }
    }

    public static GranaryUsageException Duplicate(string name) =>
        new("GRN2004", $"Two tools are named '{name}'.", "Give each tool of an agent a name of its own.");

    private static bool IsMadeByCompiler(AIFunctionDeclaration tool)
    {
        if (tool.Name.AsSpan().ContainsAny('<', '>') || MangledTopLevel().IsMatch(tool.Name))
            return true;

        // A local function elsewhere is named Outer_Local_0_1: only its method tells it from a name that someone wrote.
        return tool is AIFunction { UnderlyingMethod.Name: { } method } && method.StartsWith('<')
            && Ordinals().Match(method) is { Success: true } ordinals && tool.Name.EndsWith("_" + ordinals.Value, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"_[gb]_(\w+_)?\d+(_\d+)?$")]
    private static partial Regex MangledTopLevel();

    [GeneratedRegex(@"\d+(_\d+)?$")]
    private static partial Regex Ordinals();
}
