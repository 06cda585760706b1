using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>What the offline demo model says.</summary>
internal static class OfflineText
{
    private const string Remedy = "I follow rules and am no language model; for real answers set GEMINI_API_KEY, run Ollama with a model that calls tools, or register an IChatClient.";

    /// <param name="plan">What was to be done.</param>
    /// <param name="made">The calls that were made.</param>
    /// <param name="since">Everything since the question.</param>
    /// <param name="tools">The tools at hand.</param>
    /// <param name="wantsJson">Whether the caller asked for JSON, which can't be had here.</param>
    public static string Answer(
        OfflinePlan plan, IReadOnlyList<FunctionCallContent> made, IReadOnlyList<AIContent> since, IReadOnlyList<AIFunctionDeclaration> tools, bool wantsJson)
    {
        var text = new StringBuilder();
        if (made.Count > 0)
            Report(text, made, [.. since.OfType<FunctionResultContent>()]);
        foreach (var gap in plan.Gaps)
        {
            text.Append(text.Length > 0 ? "\n" : "").Append($"The tool {gap.Tool} fits the question, but I find no value for its parameter '{gap.Parameter.Name}'");
            text.Append(gap.Parameter.Description is { } description ? $" ({description.TrimEnd('.')}). " : ". ");
            text.Append(gap.Parameter.IsNamed ? "Write it with a capital letter or in quotes. " : "").Append(Remedy);
        }

        if (text.Length == 0)
            text.Append(None(tools));
        if (wantsJson)
            text.Append(" I can't answer in the JSON form that was asked for.");
        return text.ToString();
    }

    private static string None(IReadOnlyList<AIFunctionDeclaration> tools) => tools.Count == 0
        ? $"I have no tools here and know nothing without them. {Remedy}"
        : $"None of my tools fits this question; I have {string.Join(", ", tools.Select(t => t.Name))}. {Remedy}";

    private static void Report(StringBuilder text, IReadOnlyList<FunctionCallContent> made, List<FunctionResultContent> results)
    {
        text.Append(made.Count == 1 ? "The tool answers:" : "The tools answer:");
        foreach (var call in made)
        {
            var result = results.Find(r => r.CallId == call.CallId);
            if (result is not null)
                results.Remove(result);
            var arguments = string.Join(", ", (call.Arguments ?? new Dictionary<string, object?>()).Select(a => $"{a.Key}: {Show(a.Value)}"));
            text.Append($"\n- {call.Name}({arguments}): {(result is null ? "no result" : Show(result.Result))}");
        }
    }

    private static string Show(object? value) => value switch
    {
        null => "nothing",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        TextContent text => text.Text,
        AIContent content => $"({content.GetType().Name})",
        JsonElement element => element.GetRawText(),
        _ => JsonSerializer.Serialize(value, AgentJson.Options),
    };
}
