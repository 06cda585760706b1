using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>What one model call sends.</summary>
/// <param name="Messages">All of them, in order.</param>
/// <param name="Options">As the model gets them.</param>
/// <param name="NewMessages">Those that are no outcomes of this run: only they are recorded as the step's input, so that no step stores the history again.</param>
internal sealed record ModelRequest(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options, IReadOnlyList<ChatMessage>? NewMessages)
{
    /// <summary>The canonical JSON of everything that decides the answer, without what differs between two processes that ask the same.</summary>
    public byte[] Fingerprint()
    {
        var messages = new JsonArray();
        foreach (var message in Messages)
        {
            var node = JsonSerializer.SerializeToNode(message, AgentJson.Options)!.AsObject();
            node.Remove("messageId");
            node.Remove("createdAt");
            messages.Add((JsonNode)node);
        }

        var tools = new JsonArray();
        foreach (var tool in Options?.Tools ?? [])
        {
            tools.Add((JsonNode)new JsonObject
            {
                ["name"] = tool.Name,
                ["schema"] = tool is AIFunctionDeclaration function ? JsonSerializer.SerializeToNode(function.JsonSchema, AgentJson.Options) : null,
            });
        }

        return CanonicalJson.Write(new JsonObject { ["messages"] = messages, ["options"] = Write(Options), ["tools"] = tools });
    }

    /// <summary>The step's input for people to read, or null when all messages are recorded elsewhere in the run.</summary>
    public byte[]? Input() => NewMessages is { Count: > 0 } ? JsonSerializer.SerializeToUtf8Bytes(NewMessages, AgentJson.Options) : null;

    /// <summary>The request for a silo elsewhere: tools go by their names.</summary>
    public byte[] ToSend(string? model, bool isStreaming) => JsonSerializer.SerializeToUtf8Bytes(new RemoteModelCall
    {
        Messages = Messages,
        Options = Options is null ? null : JsonSerializer.Deserialize<ChatOptions>(Write(Options), AgentJson.Options),
        Tools = Options?.Tools?.Select(t => t.Name).ToList(),
        Model = model,
        IsStreaming = isStreaming,
    }, AgentJson.Options);

    // Declared as ChatOptions: a derived class must not add properties of its own.
    private static JsonNode? Write(ChatOptions? options)
    {
        try
        {
            return JsonSerializer.SerializeToNode(options, AgentJson.Options);
        }
        catch (NotSupportedException)
        {
            // A library may pass live objects through the additional properties; they are no data.
            var data = options!.Clone();
            data.AdditionalProperties = null;
            return JsonSerializer.SerializeToNode(data, AgentJson.Options);
        }
    }
}
