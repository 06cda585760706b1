using System.Text.Json.Nodes;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>Compares a sent body with a recorded one: fields as they are, schemas by what they mean.</summary>
internal static class RequestBody
{
    public static void AssertSame(JsonNode recorded, JsonNode sent)
    {
        AssertField("contents", recorded["contents"], sent["contents"]);
        AssertField("systemInstruction", recorded["systemInstruction"], sent["systemInstruction"]);
        AssertField("safetySettings", recorded["safetySettings"], sent["safetySettings"]);
        AssertSameGeneration(recorded["generationConfig"]?.AsObject() ?? [], sent["generationConfig"]?.AsObject() ?? []);
        AssertSameTools(recorded["tools"]?.AsArray() ?? [], sent["tools"]?.AsArray() ?? []);
        var unknown = sent.AsObject().Select(field => field.Key)
            .Except(["contents", "systemInstruction", "safetySettings", "generationConfig", "tools"]);
        Assert.Empty(unknown);
    }

    private static void AssertSameGeneration(JsonObject recorded, JsonObject sent)
    {
        var wanted = recorded.DeepClone().AsObject();
        Rename(wanted, "responseSchema", "responseJsonSchema");
        foreach (var name in wanted.Select(field => field.Key).Union(sent.Select(field => field.Key)))
            if (name == "responseJsonSchema")
                AssertField(name, Meaning(wanted[name]), Meaning(sent[name]));
            else
                AssertField(name, wanted[name], sent[name]);
    }

    private static void AssertSameTools(JsonArray recorded, JsonArray sent)
    {
        Assert.Equal(recorded.Count, sent.Count);
        for (var i = 0; i < recorded.Count; i++)
        {
            var wanted = recorded[i]!.DeepClone();
            var declared = sent[i]!.DeepClone();
            foreach (var function in (wanted["functionDeclarations"]?.AsArray() ?? []).Select(function => function!.AsObject()))
            {
                Rename(function, "parameters", "parametersJsonSchema");
                Rename(function, "response", "responseJsonSchema");
            }

            foreach (var function in new[] { wanted, declared }.SelectMany(tool => tool["functionDeclarations"]?.AsArray() ?? []))
                foreach (var schema in (string[])["parametersJsonSchema", "responseJsonSchema"])
                    function![schema] = Meaning(function[schema]);
            AssertField($"tools[{i}]", wanted, declared);
        }
    }

    /// <summary>Both dialects write the same types, one in upper case.</summary>
    private static JsonNode? Meaning(JsonNode? schema) => schema switch
    {
        JsonObject fields => new JsonObject(fields.Select(field => KeyValuePair.Create(
            field.Key,
            field.Key == "type" && field.Value is JsonValue type ? type.GetValue<string>().ToLowerInvariant() : Meaning(field.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Meaning)]),
        _ => schema?.DeepClone(),
    };

    private static void Rename(JsonObject owner, string from, string to)
    {
        if (!owner.Remove(from, out var value))
            return;
        owner[to] = value;
    }

    private static void AssertField(string name, JsonNode? wanted, JsonNode? sent) =>
        Assert.True(JsonNode.DeepEquals(wanted, sent), $"{name}: wanted {wanted?.ToJsonString()}, sent {sent?.ToJsonString()}");
}
