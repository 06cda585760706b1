using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>How options become fields of the request.</summary>
public sealed class GeminiRequestTests
{
    [Fact]
    public void sampling_options_become_generation_config()
    {
        var config = Body(new()
        {
            Temperature = 0.2f,
            TopP = 0.95f,
            TopK = 40,
            MaxOutputTokens = 256,
            Seed = 7,
            PresencePenalty = 0.5f,
            FrequencyPenalty = 0.25f,
            StopSequences = ["END", "STOP"],
        })["generationConfig"];

        AssertJson(
            """
            {
              "temperature": 0.2, "topP": 0.95, "topK": 40, "maxOutputTokens": 256, "presencePenalty": 0.5,
              "frequencyPenalty": 0.25, "seed": 7, "stopSequences": ["END", "STOP"]
            }
            """,
            config);
    }

    [Fact]
    public void request_without_options_has_contents_only()
    {
        Assert.Equal(["contents"], Body(null).Select(field => field.Key));
    }

    [Fact]
    public void json_format_without_schema_sets_the_type_only()
    {
        AssertJson("""{ "responseMimeType": "application/json" }""", Body(new() { ResponseFormat = ChatResponseFormat.Json })["generationConfig"]);
    }

    [Fact]
    public void schema_of_a_type_goes_without_its_dialect()
    {
        var schema = Body(new() { ResponseFormat = ChatResponseFormat.ForJsonSchema<City>() })["generationConfig"]!["responseJsonSchema"]!.AsObject();

        Assert.False(schema.ContainsKey("$schema"));
        Assert.Equal("integer", schema["properties"]!["people"]!["type"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("gemini-3-flash-preview", ReasoningEffort.None, """{"includeThoughts":true,"thinkingLevel":"MINIMAL"}""")]
    [InlineData("gemini-flash-latest", ReasoningEffort.High, """{"includeThoughts":true,"thinkingLevel":"HIGH"}""")]
    [InlineData("gemini-2.5-flash", ReasoningEffort.Low, """{"includeThoughts":true,"thinkingBudget":1024}""")]
    [InlineData("gemini-2.0-flash", ReasoningEffort.Low, null)]
    public void reasoning_becomes_what_the_generation_of_the_model_understands(string model, ReasoningEffort effort, string? wanted)
    {
        var options = new ChatOptions { ModelId = model, Reasoning = new() { Effort = effort, Output = ReasoningOutput.Summary } };

        AssertJson(wanted, Body(options)["generationConfig"]?["thinkingConfig"]);
    }

    [Fact]
    public void own_thinking_config_wins_over_reasoning_options()
    {
        var options = new ChatOptions
        {
            Reasoning = new() { Effort = ReasoningEffort.Low },
            AdditionalProperties = new() { ["thinkingConfig"] = new { thinkingLevel = "HIGH" } },
        };

        AssertJson("""{"thinkingLevel":"HIGH"}""", Body(options)["generationConfig"]!["thinkingConfig"]);
    }

    [Fact]
    public void tool_modes_become_calling_modes()
    {
        Assert.Null(Mode(ChatToolMode.Auto));
        AssertJson("""{"functionCallingConfig":{"mode":"NONE"}}""", Mode(ChatToolMode.None));
        AssertJson("""{"functionCallingConfig":{"mode":"ANY"}}""", Mode(ChatToolMode.RequireAny));
        AssertJson("""{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["Act"]}}""", Mode(ChatToolMode.RequireSpecific("Act")));

        static JsonNode? Mode(ChatToolMode mode) =>
            Body(new() { ToolMode = mode, Tools = [AIFunctionFactory.Create(() => "done", "Act")] })["toolConfig"];
    }

    [Fact]
    public void tools_are_declared_with_their_json_schemas()
    {
        var tools = Body(new()
        {
            Tools = [AIFunctionFactory.Create((string city, int days) => 1.5, "Forecast", "Tells the weather."), AIFunctionFactory.Create(() => { }, "Stop"), new HostedWebSearchTool()],
        })["tools"];

        AssertJson(
            """
            [
              { "functionDeclarations": [
                {
                  "name": "Forecast", "description": "Tells the weather.",
                  "parametersJsonSchema": {
                    "type": "object", "properties": { "city": { "type": "string" }, "days": { "type": "integer" } }, "required": ["city", "days"]
                  },
                  "responseJsonSchema": { "type": "number" }
                },
                { "name": "Stop" }
              ] },
              { "googleSearch": {} }
            ]
            """,
            tools);
    }

    [Fact]
    public void additional_properties_survive_a_journal()
    {
        var options = new ChatOptions
        {
            AdditionalProperties = new()
            {
                ["safetySettings"] = new JsonArray(new JsonObject { ["category"] = "HARM_CATEGORY_HARASSMENT", ["threshold"] = "BLOCK_NONE" }),
                ["cachedContent"] = "cachedContents/abc",
                ["somethingElse"] = 1,
            },
        };
        var text = System.Text.Json.JsonSerializer.Serialize(options, AIJsonUtilities.DefaultOptions);
        var journaled = System.Text.Json.JsonSerializer.Deserialize<ChatOptions>(text, AIJsonUtilities.DefaultOptions)!;

        var body = Body(journaled);

        Assert.Equal(["contents", "safetySettings", "cachedContent"], body.Select(field => field.Key));
        Assert.Equal(Body(options).ToJsonString(), body.ToJsonString());
    }

    private static JsonObject Body(ChatOptions? options) =>
        GeminiRequest.Create([new(ChatRole.User, "hi")], options, "gemini-3-flash-preview").Body;

    private static void AssertJson(string? wanted, JsonNode? actual) =>
        Assert.True(JsonNode.DeepEquals(wanted is null ? null : JsonNode.Parse(wanted), actual is null ? null : JsonNode.Parse(actual.ToJsonString())), $"sent {actual?.ToJsonString()}");

    private sealed record City(string Name, int People);
}
