using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>Asks for an answer of a type, and reads it. Providers want an object at the root: other types are wrapped in one.</summary>
internal sealed class AnswerShape<T>
{
    private const string Wrapped = "data";

    private readonly ChatResponseFormat _format;
    private readonly bool _isWrapped;

    private AnswerShape()
    {
        var format = ChatResponseFormat.ForJsonSchema<T>(AgentJson.Options);
        var schema = format.Schema!.Value;
        _isWrapped = !(schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("type", out var type)
            && type.ValueKind == JsonValueKind.String && type.ValueEquals("object"));
        _format = _isWrapped ? ChatResponseFormat.ForJsonSchema(Wrap(schema), format.SchemaName, format.SchemaDescription) : format;
    }

    public static AnswerShape<T> Instance { get; } = new();

    public AskOptions ApplyTo(AskOptions? options)
    {
        var chat = options?.Chat?.Clone() ?? new();
        chat.ResponseFormat = _format;
        return (options ?? new()) with { Chat = chat };
    }

    public T Read(AgentReply reply)
    {
        try
        {
            var value = JsonSerializer.Deserialize<JsonElement>(reply.Text, AgentJson.Options);
            return (_isWrapped ? value.GetProperty(Wrapped) : value).Deserialize<T>(AgentJson.Options)
                ?? throw new JsonException("The value is null.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new GranaryException("GRN2009", $"The answer of agent '{reply.Agent}' is no {typeof(T).Name}.",
                "Ask for text to see what it said, or use a model that keeps to a JSON schema.", e);
        }
    }

    private static JsonElement Wrap(JsonElement schema) => JsonSerializer.SerializeToElement(new JsonObject
    {
        ["type"] = "object",
        ["properties"] = new JsonObject { [Wrapped] = JsonSerializer.SerializeToNode(schema, AgentJson.Options) },
        ["additionalProperties"] = false,
        ["required"] = new JsonArray(Wrapped),
    }, AgentJson.Options);
}
