using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>Token counts. Those of a stream are running totals: a later number replaces the earlier one.</summary>
internal sealed class GeminiUsage
{
    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);

    public void Read(JsonElement usage)
    {
        foreach (var field in usage.EnumerateObject())
            if (field.Value.ValueKind is JsonValueKind.Number && field.Value.TryGetInt64(out var count))
                _counts[field.Name] = count;
    }

    /// <summary>Input counts what tools put into the prompt, output counts thinking; null when nothing was counted.</summary>
    public UsageDetails? ToDetails()
    {
        if (_counts.Count == 0)
            return null;
        var details = new UsageDetails
        {
            InputTokenCount = Sum("promptTokenCount", "toolUsePromptTokenCount"),
            OutputTokenCount = Sum("candidatesTokenCount", "thoughtsTokenCount"),
            TotalTokenCount = Of("totalTokenCount"),
            CachedInputTokenCount = Of("cachedContentTokenCount"),
            ReasoningTokenCount = Of("thoughtsTokenCount"),
        };
        if (Of("toolUsePromptTokenCount") is { } tools)
            details.AdditionalCounts = new() { ["toolUsePromptTokenCount"] = tools };
        return details;
    }

    private long? Sum(string first, string second) => Of(first) is { } count ? count + (Of(second) ?? 0) : Of(second);

    private long? Of(string name) => _counts.TryGetValue(name, out var count) ? count : null;
}
