using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>Maps tools, their schemas and the choice between them.</summary>
internal static class GeminiTools
{
    /// <summary>The <c>tools</c> field, or null when there is nothing to declare.</summary>
    public static JsonArray? Declare(IEnumerable<AITool>? tools)
    {
        var functions = new JsonArray();
        var declared = new JsonArray();
        foreach (var tool in tools ?? [])
            switch (tool)
            {
                case AIFunctionDeclaration function:
                    functions.Add(Declare(function));
                    break;
                case HostedWebSearchTool:
                    declared.Add(new JsonObject { ["googleSearch"] = new JsonObject() });
                    break;
                case HostedCodeInterpreterTool:
                    declared.Add(new JsonObject { ["codeExecution"] = new JsonObject() });
                    break;
            }

        if (functions.Count > 0)
            declared.Insert(0, new JsonObject { ["functionDeclarations"] = functions });
        return declared.Count > 0 ? declared : null;
    }

    /// <summary>The <c>toolConfig</c> field; null where Gemini's own default, AUTO, is meant.</summary>
    public static JsonObject? Choose(ChatToolMode? mode)
    {
        var calling = mode switch
        {
            NoneChatToolMode => new JsonObject { ["mode"] = "NONE" },
            RequiredChatToolMode { RequiredFunctionName: { } name } =>
                new JsonObject { ["mode"] = "ANY", ["allowedFunctionNames"] = new JsonArray(name) },
            RequiredChatToolMode => new JsonObject { ["mode"] = "ANY" },
            _ => null,
        };
        return calling is null ? null : new() { ["functionCallingConfig"] = calling };
    }

    /// <summary>A JSON schema as Gemini takes it: as it is, without the marker of its dialect.</summary>
    public static JsonNode? Schema(JsonElement schema)
    {
        if (schema.ValueKind is not JsonValueKind.Object)
            return JsonSerializer.SerializeToNode(schema, AIJsonUtilities.DefaultOptions);
        var copy = JsonObject.Create(schema)!;
        copy.Remove("$schema");
        return copy;
    }

    private static JsonObject Declare(AIFunctionDeclaration function)
    {
        var declaration = new JsonObject { ["name"] = function.Name };
        if (!string.IsNullOrWhiteSpace(function.Description))
            declaration["description"] = function.Description;
        if (TakesArguments(function.JsonSchema))
            declaration["parametersJsonSchema"] = Schema(function.JsonSchema);
        if (function.ReturnJsonSchema is { ValueKind: JsonValueKind.Object } result)
            declaration["responseJsonSchema"] = Schema(result);
        return declaration;
    }

    // An object schema without properties is refused by some models; the docs ask to leave it out.
    private static bool TakesArguments(JsonElement schema) =>
        schema.ValueKind is JsonValueKind.Object
        && (!schema.TryGetProperty("properties", out var properties) ? schema.EnumerateObject().Any(p => p.Name is not ("type" or "$schema"))
            : properties.ValueKind is JsonValueKind.Object && properties.EnumerateObject().Any());
}
