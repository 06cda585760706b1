using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>Carries thought signatures through contents, and so through a journal, and puts them back on their parts.</summary>
/// <remarks>
/// A signature is a <see cref="TextReasoningContent"/> without text right after the content that it belongs to. Google's own
/// adapter writes the same shape, so that a history can move between the two clients.
/// </remarks>
internal static class ThoughtSignature
{
    /// <summary>The field of a part that holds it, base64.</summary>
    internal const string Field = "thoughtSignature";

    private const string ThoughtMark = "gemini.thought";
    private const string LengthMark = "gemini.signedLength";
    private const string UnsignedMark = "gemini.unsignedBy";

    /// <summary>A thought of Gemini; marked, because merging stream updates joins it with the signature that follows.</summary>
    public static TextReasoningContent Thought(string text) => new(text) { AdditionalProperties = new() { [ThoughtMark] = true } };

    /// <summary>True when the content is a thought that Gemini wrote: its protected data is a signature of Gemini's.</summary>
    public static bool IsOurs(TextReasoningContent thought) => thought.AdditionalProperties?.ContainsKey(ThoughtMark) is true;

    /// <summary>True when the content is a signature of the content before it.</summary>
    public static bool Trails(AIContent content) =>
        content is TextReasoningContent { ProtectedData.Length: > 0 } reasoning && string.IsNullOrEmpty(reasoning.Text);

    /// <summary>The content that follows a signed part, or null for an unsigned part.</summary>
    public static TextReasoningContent? Of(JsonElement part, AIContent? content)
    {
        if (!part.TryGetProperty(Field, out var signature) || signature.GetString() is not { Length: > 0 } value)
            return null;
        var trailing = new TextReasoningContent(null) { ProtectedData = value };
        // Merging stream updates joins texts. The length tells the signed piece from the unsigned ones before it.
        if (content is TextContent text)
            trailing.AdditionalProperties = new() { [LengthMark] = text.Text.Length };
        return trailing;
    }

    /// <summary>Notes on a call that this model sent it without a signature: it needs none on the way back to the same model.</summary>
    public static void MarkUnsigned(FunctionCallContent call, string model) => (call.AdditionalProperties ??= [])[UnsignedMark] = model;

    /// <summary>The model that sent the call unsigned; null for a signed call and for a call of another provider.</summary>
    public static string? UnsignedBy(AIContent content) =>
        content.AdditionalProperties?.TryGetValue(UnsignedMark, out var model) is true ? model?.ToString() : null;

    /// <summary>Signs the last part, or the end of its text when only that was signed.</summary>
    public static void PutBack(TextReasoningContent signature, List<JsonObject> parts)
    {
        var last = parts[^1];
        if (SignedLength(signature) is { } length && last["text"]?.GetValue<string>() is { } text && length < text.Length)
        {
            last["text"] = text[..^length];
            last = new() { ["text"] = text[^length..] };
            parts.Add(last);
        }

        last[Field] = signature.ProtectedData;
    }

    private static int? SignedLength(TextReasoningContent signature) =>
        signature.AdditionalProperties?.TryGetValue(LengthMark, out var value) is not true ? null
        : value switch
        {
            int length when length >= 0 => length,
            JsonElement { ValueKind: JsonValueKind.Number } json when json.TryGetInt32(out var length) && length >= 0 => length,
            _ => null,
        };
}
