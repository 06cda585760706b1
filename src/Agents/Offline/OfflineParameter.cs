using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>One parameter of a tool, as its JSON schema tells.</summary>
internal sealed record OfflineParameter(string Name, string Type, string? Description, bool IsRequired, IReadOnlyList<string> Choices, string? ItemType)
{
    /// <summary>A free text that stands for a thing with a name.</summary>
    public bool IsNamed => Type == "string" && Choices.Count == 0 && !IsSentence && !IsDate;

    /// <summary>A free text that is the question itself.</summary>
    public bool IsSentence => Type == "string" && OfflineWords.Of(Name).Intersect(OfflineWords.Of("query question text message prompt input search request content body")).Any();

    /// <summary>A day or an instant, which no rule here can read.</summary>
    public bool IsDate => Type == "string" && OfflineWords.Of(Name).Intersect(OfflineWords.Of("date day time when until since")).Any();

    public static IReadOnlyList<OfflineParameter> Of(AIFunctionDeclaration tool)
    {
        var schema = tool.JsonSchema;
        if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("properties", out var properties) || properties.ValueKind != JsonValueKind.Object)
            return [];
        var required = schema.TryGetProperty("required", out var names) && names.ValueKind == JsonValueKind.Array
            ? names.EnumerateArray().Select(n => n.GetString()).ToHashSet(StringComparer.Ordinal)
            : [];
        return [.. properties.EnumerateObject().Select(p => new OfflineParameter(
            p.Name, TypeOf(p.Value), Text(p.Value, "description"), required.Contains(p.Name), ChoicesOf(p.Value),
            Property(p.Value, "items") is { } items ? TypeOf(items) : null))];
    }

    private static string TypeOf(JsonElement schema) => Property(schema, "type") switch
    {
        { ValueKind: JsonValueKind.String } type => type.GetString()!,
        { ValueKind: JsonValueKind.Array } types => types.EnumerateArray().Select(t => t.GetString()).FirstOrDefault(t => t is not "null") ?? "string",
        _ => "string",
    };

    private static IReadOnlyList<string> ChoicesOf(JsonElement schema) =>
        Property(schema, "enum") is { ValueKind: JsonValueKind.Array } choices
            ? [.. choices.EnumerateArray().Where(c => c.ValueKind == JsonValueKind.String).Select(c => c.GetString()!)]
            : [];

    private static string? Text(JsonElement schema, string name) => Property(schema, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static JsonElement? Property(JsonElement schema, string name) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(name, out var value) ? value : null;
}
