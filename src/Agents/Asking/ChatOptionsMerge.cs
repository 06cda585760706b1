using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>The options of one question: the agent's, overridden property by property, with the agent's tools added.</summary>
internal static class ChatOptionsMerge
{
    public static ChatOptions Of(ChatOptions agent, ChatOptions? question, IReadOnlyList<AITool> tools)
    {
        var result = agent.Clone();
        if (question is not null)
            Override(result, question);
        List<AITool> all = [.. tools, .. agent.Tools ?? [], .. question?.Tools ?? []];
        result.Tools = all.Count > 0 ? all : null;
        return result;
    }

    private static void Override(ChatOptions target, ChatOptions source)
    {
        target.ConversationId = source.ConversationId ?? target.ConversationId;
        target.Instructions = source.Instructions ?? target.Instructions;
        target.Temperature = source.Temperature ?? target.Temperature;
        target.MaxOutputTokens = source.MaxOutputTokens ?? target.MaxOutputTokens;
        target.TopP = source.TopP ?? target.TopP;
        target.TopK = source.TopK ?? target.TopK;
        target.FrequencyPenalty = source.FrequencyPenalty ?? target.FrequencyPenalty;
        target.PresencePenalty = source.PresencePenalty ?? target.PresencePenalty;
        target.Seed = source.Seed ?? target.Seed;
        target.Reasoning = source.Reasoning ?? target.Reasoning;
        target.ResponseFormat = source.ResponseFormat ?? target.ResponseFormat;
        target.ModelId = source.ModelId ?? target.ModelId;
        target.StopSequences = source.StopSequences ?? target.StopSequences;
        target.AllowMultipleToolCalls = source.AllowMultipleToolCalls ?? target.AllowMultipleToolCalls;
        target.ToolMode = source.ToolMode ?? target.ToolMode;
        target.RawRepresentationFactory = source.RawRepresentationFactory ?? target.RawRepresentationFactory;
        foreach (var (name, value) in source.AdditionalProperties ?? [])
            (target.AdditionalProperties ??= [])[name] = value;
    }
}
