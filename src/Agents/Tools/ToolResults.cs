using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>Tool results as they are journaled: plain JSON, or contents that the model's client must see as such (images, ready results).</summary>
internal static class ToolResults
{
    private const string Contents = "$contents";

    public static JsonElement Write(object? result) => result switch
    {
        JsonElement { ValueKind: JsonValueKind.Undefined } => JsonSerializer.SerializeToElement<object?>(null, AgentJson.Options),
        JsonElement element => element,
        AIContent content => Write([content]),
        IEnumerable<AIContent> contents => Write([.. contents]),
        _ => JsonSerializer.SerializeToElement(result, AgentJson.Options),
    };

    /// <summary>The value for the model: JSON, or contents as they were.</summary>
    public static object? Read(JsonElement result)
    {
        if (result.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
            return null;
        if (result.ValueKind != JsonValueKind.Object || result.GetPropertyCount() != 1 || !result.TryGetProperty(Contents, out var contents))
            return result;
        var list = contents.Deserialize<List<AIContent>>(AgentJson.Options)!;
        return list.Count == 1 ? list[0] : list;
    }

    private static JsonElement Write(List<AIContent> contents) =>
        JsonSerializer.SerializeToElement(new Dictionary<string, List<AIContent>> { [Contents] = contents }, AgentJson.Options);
}
