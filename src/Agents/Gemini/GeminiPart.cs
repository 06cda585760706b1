using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>Maps a single content to a part and back, signatures aside.</summary>
internal static class GeminiPart
{
    /// <summary>Where a part that has no content type of its own is kept, so that it can go back as it came.</summary>
    internal const string OpaqueProperty = "gemini.part";

    /// <summary>The part for a content, or null when Gemini has no place for it.</summary>
    public static JsonObject? FromContent(AIContent content) => content switch
    {
        TextContent text => new() { ["text"] = text.Text },
        DataContent data => new() { ["inlineData"] = new JsonObject { ["mimeType"] = data.MediaType, ["data"] = data.Base64Data.ToString() } },
        UriContent uri => File(uri.Uri.OriginalString, uri.MediaType),
        HostedFileContent file => File(file.FileId, file.MediaType),
        FunctionCallContent call => FromCall(call),
        { AdditionalProperties: { } properties } when properties.TryGetValue(OpaqueProperty, out var part) => Json(part) as JsonObject,
        _ => null,
    };

    /// <summary>The answer to a call. An object is the answer itself; anything else becomes its documented field <c>output</c>.</summary>
    public static JsonObject FromResult(FunctionResultContent result, string name)
    {
        var value = result.Result is TextContent text ? text.Text : Json(result.Result);
        var answer = new JsonObject();
        if (CallIds.Sent(result.CallId) is { } id)
            answer["id"] = id;
        answer["name"] = name;
        answer["response"] = value is JsonObject ? value : new JsonObject { ["output"] = value };
        return new() { ["functionResponse"] = answer };
    }

    /// <summary>The content for a part of an answer; null for a part that says nothing.</summary>
    public static AIContent? ToContent(JsonElement part, Func<string> nextCallId)
    {
        var isThought = part.TryGetProperty("thought", out var thought) && thought.ValueKind is JsonValueKind.True;
        if (part.TryGetProperty("text", out var text))
            return isThought ? ThoughtSignature.Thought(text.GetString()!)
                : text.ValueEquals("") && !part.TryGetProperty(ThoughtSignature.Field, out _) ? null
                : new TextContent(text.GetString());
        if (part.TryGetProperty("functionCall", out var call))
            return ToCall(call, nextCallId);
        if (!isThought && part.TryGetProperty("inlineData", out var data))
            return new DataContent(data.GetProperty("data").GetBytesFromBase64(), data.GetProperty("mimeType").GetString()!);
        if (part.TryGetProperty("fileData", out var file) && file.TryGetProperty("mimeType", out var type))
            return new UriContent(file.GetProperty("fileUri").GetString()!, type.GetString()!);
        return part.EnumerateObject().All(field => field.Name is "thought" or ThoughtSignature.Field)
            ? null
            : new AIContent { AdditionalProperties = new() { [OpaqueProperty] = WithoutSignature(part) } };
    }

    private static JsonObject File(string uri, string? mediaType)
    {
        var file = new JsonObject { ["fileUri"] = uri };
        if (mediaType is not null)
            file["mimeType"] = mediaType;
        return new() { ["fileData"] = file };
    }

    private static JsonObject FromCall(FunctionCallContent content)
    {
        var call = new JsonObject();
        if (CallIds.Sent(content.CallId) is { } id)
            call["id"] = id;
        call["name"] = content.Name;
        call["args"] = Json(content.Arguments) as JsonObject ?? [];
        return new() { ["functionCall"] = call };
    }

    private static FunctionCallContent ToCall(JsonElement call, Func<string> nextCallId)
    {
        var arguments = new Dictionary<string, object?>(StringComparer.Ordinal);
        if (call.TryGetProperty("args", out var args) && args.ValueKind is JsonValueKind.Object)
            foreach (var argument in args.EnumerateObject())
                arguments[argument.Name] = argument.Value.Clone();
        var id = call.TryGetProperty("id", out var given) ? given.GetString() : null;
        return new(string.IsNullOrEmpty(id) ? nextCallId() : id, call.GetProperty("name").GetString()!, arguments);
    }

    private static JsonElement WithoutSignature(JsonElement part)
    {
        var copy = JsonObject.Create(part)!;
        copy.Remove(ThoughtSignature.Field);
        return JsonSerializer.SerializeToElement(copy);
    }

    private static JsonNode? Json(object? value) => value switch
    {
        null => null,
        JsonNode node => node.DeepClone(),
        _ => JsonSerializer.SerializeToNode(value, AIJsonUtilities.DefaultOptions),
    };
}
