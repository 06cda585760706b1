using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>What may be asked.</summary>
internal static class Questions
{
    public static string Check(string? message) =>
        string.IsNullOrWhiteSpace(message) ? throw Blank() : message;

    public static IReadOnlyList<ChatMessage> Check(IEnumerable<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ChatMessage[] list = [.. messages];
        return list.Length > 0 && list[^1].Contents.Any(c => c is not TextContent text || !string.IsNullOrWhiteSpace(text.Text)) ? list : throw Blank();
    }

    private static GranaryUsageException Blank() => new("GRN2005", "The question is blank.", "Ask something.");
}
