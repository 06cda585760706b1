using System.Text.Json;
using System.Text.Json.Nodes;

namespace Granary;

/// <summary>Removes the key and the texts of a request from what the provider says about it: an error may quote them.</summary>
internal static class Redaction
{
    private const int LongestMessage = 500;
    private const int ShortestText = 4;

    /// <summary>The provider's message, fit for a log.</summary>
    public static string Redact(string message, string? key, JsonObject body)
    {
        if (key is not null)
            message = message.Replace(key, "[key]", StringComparison.Ordinal);
        // Longest first: a short text inside a longer one would hide the longer one from the search.
        foreach (var text in Texts(body["contents"]).Concat(Texts(body["systemInstruction"])).Distinct().OrderByDescending(text => text.Length))
            message = message.Replace(text, "[text]", StringComparison.Ordinal);
        return message.Length <= LongestMessage ? message : string.Concat(message.AsSpan(0, LongestMessage), "…");
    }

    private static IEnumerable<string> Texts(JsonNode? node) => node switch
    {
        JsonObject fields => fields.SelectMany(field => field.Key is "role" or "mimeType" or "name" ? [] : Texts(field.Value)),
        JsonArray items => items.SelectMany(Texts),
        JsonValue value when value.GetValueKind() is JsonValueKind.String && value.GetValue<string>() is { Length: >= ShortestText } text => [text],
        _ => [],
    };
}
