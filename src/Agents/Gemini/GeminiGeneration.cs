using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>Maps <see cref="ChatOptions"/> to <c>generationConfig</c>.</summary>
internal static class GeminiGeneration
{
    public static JsonObject Configure(ChatOptions? options, string model)
    {
        var config = new JsonObject();
        if (options is null)
            return config;
        Set("temperature", options.Temperature);
        Set("topP", options.TopP);
        Set("topK", options.TopK);
        Set("maxOutputTokens", options.MaxOutputTokens);
        Set("presencePenalty", options.PresencePenalty);
        Set("frequencyPenalty", options.FrequencyPenalty);
        Set("seed", options.Seed);
        if (options.StopSequences is { Count: > 0 } stops)
            config["stopSequences"] = new JsonArray([.. stops.Select(stop => (JsonNode)stop)]);
        if (options.ResponseFormat is ChatResponseFormatJson json)
        {
            config["responseMimeType"] = "application/json";
            if (json.Schema is { } schema)
                config["responseJsonSchema"] = GeminiTools.Schema(schema);
        }

        var thinking = GeminiModel.Thinks(model) && options.Reasoning is { } reasoning ? Think(reasoning, model) : [];
        Merge(thinking, GeminiRequest.Extra(options, "thinkingConfig"));
        if (thinking.Count > 0)
            config["thinkingConfig"] = thinking;
        Merge(config, GeminiRequest.Extra(options, "generationConfig"));
        return config;

        void Set<T>(string name, T? value) where T : struct
        {
            if (value is { } set)
                config[name] = JsonValue.Create(set);
        }
    }

    private static JsonObject Think(ReasoningOptions reasoning, string model)
    {
        var thinking = new JsonObject();
        if (reasoning.Output is { } output)
            thinking["includeThoughts"] = output is not ReasoningOutput.None;
        if (reasoning.Effort is not { } effort)
            return thinking;
        if (GeminiModel.HasThinkingBudget(model))
            thinking["thinkingBudget"] = effort switch
            {
                ReasoningEffort.None => 0,
                ReasoningEffort.Low => 1_024,
                ReasoningEffort.Medium => 8_192,
                _ => 24_576,
            };
        else
            thinking["thinkingLevel"] = effort switch
            {
                ReasoningEffort.None => "MINIMAL",
                ReasoningEffort.Low => "LOW",
                ReasoningEffort.Medium => "MEDIUM",
                _ => "HIGH",
            };
        return thinking;
    }

    private static void Merge(JsonObject target, JsonNode? extra)
    {
        if (extra is not JsonObject fields)
            return;
        foreach (var (name, value) in fields)
            target[name] = value?.DeepClone();
    }
}
