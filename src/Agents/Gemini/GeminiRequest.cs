using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>One request as it goes over the wire.</summary>
/// <param name="Model">The model asked.</param>
/// <param name="Body">The JSON body.</param>
/// <param name="CallRound">The number that ids made for this answer's calls begin with.</param>
internal sealed record GeminiRequest(string Model, JsonObject Body, int CallRound)
{
    /// <summary>Maps messages and options; the same input always gives the same body.</summary>
    public static GeminiRequest Create(IEnumerable<ChatMessage> messages, ChatOptions? options, string defaultModel)
    {
        var model = string.IsNullOrWhiteSpace(options?.ModelId) ? defaultModel : options.ModelId.Trim();
        var history = new GeminiHistory(model, options?.Instructions);
        foreach (var message in messages)
            history.Add(message);

        var body = new JsonObject { ["contents"] = history.ToContents() };
        if (history.ToSystemInstruction() is { } system)
            body["systemInstruction"] = system;
        if (GeminiTools.Declare(options?.Tools) is { } tools)
        {
            body["tools"] = tools;
            if (GeminiTools.Choose(options?.ToolMode) is { } choice)
                body["toolConfig"] = choice;
        }

        if (GeminiGeneration.Configure(options, model) is { Count: > 0 } generation)
            body["generationConfig"] = generation;
        foreach (var name in (ReadOnlySpan<string>)["safetySettings", "cachedContent"])
            if (Extra(options, name) is { } extra)
                body[name] = extra;
        return new(model, body, history.NextCallRound);
    }

    /// <summary>An additional property in its JSON form, or null; its type may have been lost in a journal.</summary>
    public static JsonNode? Extra(ChatOptions? options, string name) =>
        options?.AdditionalProperties?.TryGetValue(name, out var value) is true && value is not null
            ? value is JsonNode node ? node.DeepClone() : JsonSerializer.SerializeToNode(value, AIJsonUtilities.DefaultOptions)
            : null;
}
