using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>Turns citations and grounding into annotations on the texts they support.</summary>
internal static class GeminiCitations
{
    /// <summary>Annotates the texts of a whole answer; <paramref name="texts"/> has one entry per part.</summary>
    public static void Annotate(List<TextContent?> texts, JsonElement candidate)
    {
        if (candidate.TryGetProperty("citationMetadata", out var citations))
            foreach (var name in (ReadOnlySpan<string>)["citationSources", "citations"]) // Gemini API and Vertex AI
                if (citations.TryGetProperty(name, out var sources))
                    foreach (var source in sources.EnumerateArray())
                        Add(texts, source, source);
        if (!candidate.TryGetProperty("groundingMetadata", out var grounding)
            || !grounding.TryGetProperty("groundingSupports", out var supports)
            || !grounding.TryGetProperty("groundingChunks", out var chunks))
            return;
        foreach (var support in supports.EnumerateArray())
            if (support.TryGetProperty("segment", out var segment) && support.TryGetProperty("groundingChunkIndices", out var indices))
                foreach (var index in indices.EnumerateArray())
                    if (index.GetInt32() is var at && at >= 0 && at < chunks.GetArrayLength() && Source(chunks[at]) is { } source)
                        Add(texts, segment, source);
    }

    private static JsonElement? Source(JsonElement chunk) =>
        chunk.TryGetProperty("web", out var web) ? web
        : chunk.TryGetProperty("retrievedContext", out var context) ? context
        : null;

    private static void Add(List<TextContent?> texts, JsonElement segment, JsonElement source)
    {
        if (Number(segment, "partIndex") is var part && (part >= texts.Count || texts[part] is null))
            return;
        var text = texts[part]!;
        var citation = new CitationAnnotation { Title = Text(source, "title"), Snippet = Text(segment, "text") };
        if (Uri.TryCreate(Text(source, "uri"), UriKind.Absolute, out var uri))
            citation.Url = uri;
        if (segment.TryGetProperty("endIndex", out _))
            citation.AnnotatedRegions =
            [
                new TextSpanAnnotatedRegion
                {
                    StartIndex = CharacterAt(text.Text, Number(segment, "startIndex")),
                    EndIndex = CharacterAt(text.Text, Number(segment, "endIndex")),
                },
            ];
        (text.Annotations ??= []).Add(citation);
    }

    /// <summary>Gemini counts bytes of UTF-8, .NET counts UTF-16 units.</summary>
    private static int CharacterAt(string text, int bytes)
    {
        var index = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (bytes <= 0)
                break;
            bytes -= rune.Utf8SequenceLength;
            index += rune.Utf16SequenceLength;
        }

        return index;
    }

    private static int Number(JsonElement owner, string name) => owner.TryGetProperty(name, out var value) ? value.GetInt32() : 0;

    private static string? Text(JsonElement owner, string name) => owner.TryGetProperty(name, out var value) ? value.GetString() : null;
}
