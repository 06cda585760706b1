using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>Plays every recorded exchange back over loopback: the request must be the recorded one, the answer must mean what it says.</summary>
public sealed class GeminiRecordingsTests
{
    private const string Key = "AIza-loopback-only-4711";

    private static readonly Dictionary<string, RecordedCase> _cases = new(StringComparer.Ordinal)
    {
        ["GenerateContentErrorHandlingTest.GenerateContentMultiSpeakerVoiceConfigGeminiTest"] = new(
            "Alice says 'Hi', Bob replies with 'what's up?'", new() { AdditionalProperties = new() { ["generationConfig"] = TwoVoices() } })
        { Error = ("GRN2201", "INVALID_ARGUMENT", "This model only supports text output.") },
        ["GenerateContentErrorHandlingTest.GenerateContentWrongModelNameGeminiTest"] = new("What is the capital of France?")
        { Error = ("GRN2203", "NOT_FOUND", "models/wrong-model-name is not found") },
        ["GenerateContentStreamErrorHandlingTest.GenerateContentStreamWrongModelNameGeminiTest"] = new("What is the capital of France?")
        { Error = ("GRN2203", "NOT_FOUND", "models/wrong-model-name is not found") },
        ["GenerateContentResponseConfigTest.GenerateContentResponseSchemaGeminiTest"] = new("Give me information about Australia", CountryInfo())
        { Usage = (33, 52, 85), Check = IsAustralia },
        ["GenerateContentStreamResponseConfigTest.GenerateContentStreamResponseSchemaGeminiTest"] = new("Give me information about Australia", CountryInfo())
        { Usage = (33, 51, 84), Check = IsAustralia },
        ["GenerateContentSimpleTest.GenerateContentGenerationConfigGeminiTest"] = new("Why is the sky blue?", Short())
        { Finish = ChatFinishReason.Length, Usage = (6, 98, 104) },
        ["GenerateContentStreamSimpleTest.GenerateContentStreamGenerationConfigGeminiTest"] = new("Why is the sky blue?", Short())
        { Finish = ChatFinishReason.Length, Usage = (6, 99, 105) },
        ["GenerateContentSimpleTest.GenerateContentSafetySettingsGeminiTest"] = new("What hate speech is prohibited by responsible AI?", Careful())
        { Check = response => Assert.Equal(4, Property(response, "safetyRatings").GetArrayLength()) },
        ["GenerateContentSimpleTest.GenerateContentSimpleTextGeminiTest"] = new("What is the capital of France?")
        { Usage = (7, 9, 16), Check = response => Assert.Equal("The capital of France is **Paris**.\n", response.Text) },
        ["GenerateContentStreamSimpleTest.GenerateContentStreamSimpleTextGeminiTest"] = new("What is the capital of France?")
        { Usage = (7, 9, 16), Check = response => Assert.Equal("The capital of France is **Paris**.\n", response.Text) },
        ["GenerateContentStreamSimpleTest.GenerateContentStreamSimpleTextVertexTest"] = new("why is the sky blue?")
        { Check = response => Assert.Equal(DateTimeOffset.Parse("2025-08-26T04:54:00.091710Z", null), response.CreatedAt) },
        ["GenerateContentSimpleTest.GenerateContentSystemInstructionGeminiTest"] = new("high", new() { Instructions = "I say high you say low." })
        { Usage = (8, 2, 10), Check = response => Assert.Equal("low\n", response.Text) },
        ["GenerateContentStreamToolsTest.GenerateContentStreamManualFunctionCallGeminiTest"] = new("What's the weather like in Melbourne?", Weather())
        { Finish = ChatFinishReason.ToolCalls, Usage = (24, 4, 28), Check = AsksForMelbourne },
        ["GenerateContentToolsTest.GenerateContentManualFunctionCallGeminiTest"] = new("What's the weather like in Melbourne?", Weather())
        { Finish = ChatFinishReason.ToolCalls, Usage = (24, 4, 28), Check = AsksForMelbourne },
        ["GenerateContentToolsTest.GenerateContentManualFunctionCallVertexTest"] = new("What's the weather like in Melbourne?", Weather())
        { Finish = ChatFinishReason.ToolCalls, Usage = (24, 4, 28), Check = AsksForMelbourne },
        ["GenerateContentToolsTest.GenerateContentGoogleSearchGeminiTest"] = new("What's the weather like in Melbourne?", new() { Tools = [new HostedWebSearchTool()] })
        { Usage = (9, 195, 204), Check = CitesTheSearch },
    };

    public static TheoryData<string> Names => [.. _cases.Keys.Order(StringComparer.Ordinal)];

    [Fact]
    public void every_recording_has_a_case()
    {
        Recording.SkipWithoutFolder();

        var recorded = Directory.EnumerateFiles(Recording.Folder, "*.json").Select(Path.GetFileNameWithoutExtension);

        Assert.Equal(_cases.Keys.Order(StringComparer.Ordinal), recorded.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Names))]
    public async Task recorded_exchange_is_sent_and_understood(string name)
    {
        Recording.SkipWithoutFolder();
        var recording = Recording.Load(name);
        var expected = _cases[name];
        await using var server = new LoopbackServer(_ => recording.ToReply());
        using var client = new GeminiChatClient(new GeminiOptions { ApiKey = Key, Model = recording.Model, Endpoint = server.Endpoint });

        ChatResponse? response = null;
        var error = await Record.ExceptionAsync(async () => response = await AskAsync(client, expected, recording.IsStream));

        var request = Assert.Single(server.Requests);
        Assert.Equal("POST", request.Method);
        Assert.EndsWith("/models/" + recording.ModelAndMethod, request.Target, StringComparison.Ordinal);
        if (!recording.IsVertex)
            Assert.Equal(recording.Target, request.Target);
        Assert.Equal(Key, request.Headers["x-goog-api-key"]);
        Assert.Equal(request.Whole.IndexOf(Key, StringComparison.Ordinal), request.Whole.LastIndexOf(Key, StringComparison.Ordinal));
        Assert.Equal("application/json; charset=utf-8", request.Headers["Content-Type"]);
        RequestBody.AssertSame(recording.Request, request.Json);
        if (expected.Error is { } wanted)
            AssertRefused(wanted, recording.Status, error, expected.Prompt);
        else
            AssertAnswered(expected, recording, error, response);
    }

    private static async Task<ChatResponse> AskAsync(GeminiChatClient client, RecordedCase asked, bool isStream)
    {
        var ct = TestContext.Current.CancellationToken;
        return isStream
            ? await client.GetStreamingResponseAsync(asked.Prompt, asked.Options, ct).ToChatResponseAsync(ct)
            : await client.GetResponseAsync(asked.Prompt, asked.Options, ct);
    }

    private static void AssertRefused((string Code, string Status, string Says) wanted, int status, Exception? error, string prompt)
    {
        var refused = Assert.IsType<ModelException>(error);
        Assert.Equal(wanted.Code, refused.Code);
        Assert.Equal(status, refused.Status);
        Assert.Equal(wanted.Status, refused.ProviderStatus);
        Assert.False(refused.IsTransient);
        Assert.StartsWith(wanted.Code + ": ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(wanted.Says, refused.Message, StringComparison.Ordinal);
        Assert.EndsWith(refused.Remedy!, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, refused.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(prompt, refused.ToString(), StringComparison.Ordinal);
    }

    private static void AssertAnswered(RecordedCase expected, Recording recording, Exception? error, ChatResponse? response)
    {
        Assert.Null(error);
        Assert.NotNull(response);
        var message = Assert.Single(response.Messages);
        Assert.Equal(ChatRole.Assistant, message.Role);
        Assert.Equal(recording.Text, response.Text);
        Assert.Equal(expected.Finish, response.FinishReason);
        Assert.Equal("gemini-2.0-flash", response.ModelId);
        Assert.Equal(recording.Segments[^1]["responseId"]!.GetValue<string>(), response.ResponseId);
        var usage = recording.Segments[^1]["usageMetadata"]!;
        Assert.Equal(usage["promptTokenCount"]!.GetValue<long>(), response.Usage?.InputTokenCount);
        Assert.Equal(usage["candidatesTokenCount"]!.GetValue<long>(), response.Usage?.OutputTokenCount);
        Assert.Equal(usage["totalTokenCount"]!.GetValue<long>(), response.Usage?.TotalTokenCount);
        if (expected.Usage is { } counts)
            Assert.Equal(counts, (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.TotalTokenCount));
        expected.Check?.Invoke(response);
    }

    private static ChatOptions Short() => new()
    {
        Temperature = 0.5f,
        TopP = 0.9f,
        MaxOutputTokens = 100,
        AdditionalProperties = new() { ["generationConfig"] = new JsonObject { ["responseModalities"] = new JsonArray("TEXT") } },
    };

    private static ChatOptions Careful() => new()
    {
        AdditionalProperties = new()
        {
            ["safetySettings"] = new[] { new { category = "HARM_CATEGORY_HATE_SPEECH", threshold = "BLOCK_LOW_AND_ABOVE" } },
        },
    };

    private static ChatOptions Weather() => new()
    {
        Tools = [AIFunctionFactory.Create((string location) => $"sunny in {location}", "GetWeather", "return the real time weather of the location")],
    };

    private static ChatOptions CountryInfo() => new()
    {
        ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonSerializer.Deserialize<JsonElement>("""
            {
              "type": "object", "title": "CountryInfo",
              "properties": {
                "title": { "type": "string", "title": "Title" }, "population": { "type": "integer", "title": "Population" },
                "capital": { "type": "string", "title": "Capital" }, "continent": { "type": "string", "title": "Continent" },
                "language": { "type": "string", "title": "Language" }
              },
              "required": ["title", "population", "capital", "continent", "language"],
              "propertyOrdering": ["title", "population", "capital", "continent", "language"]
            }
            """)),
    };

    private static JsonObject TwoVoices()
    {
        return new()
        {
            ["responseModalities"] = new JsonArray("AUDIO"),
            ["speechConfig"] = new JsonObject
            {
                ["multiSpeakerVoiceConfig"] = new JsonObject { ["speakerVoiceConfigs"] = new JsonArray(Voice("Alice", "leda"), Voice("Bob", "kore")) },
            },
        };

        static JsonObject Voice(string speaker, string voice) => new()
        {
            ["speaker"] = speaker,
            ["voiceConfig"] = new JsonObject { ["prebuiltVoiceConfig"] = new JsonObject { ["voiceName"] = voice } },
        };
    }

    private static void IsAustralia(ChatResponse response)
    {
        var country = JsonNode.Parse(response.Text)!;
        Assert.Equal("Australia", country["title"]!.GetValue<string>());
        Assert.Equal("Canberra", country["capital"]!.GetValue<string>());
    }

    private static void AsksForMelbourne(ChatResponse response)
    {
        var call = Assert.IsType<FunctionCallContent>(Assert.Single(response.Messages[0].Contents));
        Assert.Equal("GetWeather", call.Name);
        Assert.Equal("granary_call_0_0", call.CallId);
        Assert.Equal("Melbourne", Assert.IsType<JsonElement>(Assert.Single(call.Arguments!).Value).GetString());
    }

    private static void CitesTheSearch(ChatResponse response)
    {
        var supports = Property(response, "groundingMetadata").GetProperty("groundingSupports").EnumerateArray().ToList();
        var citations = response.Messages[0].Contents[0].Annotations!.Cast<CitationAnnotation>().ToList();
        Assert.Equal(supports.Count, citations.Count);
        Assert.All(citations.Zip(supports), pair =>
        {
            var span = Assert.IsType<TextSpanAnnotatedRegion>(Assert.Single(pair.First.AnnotatedRegions!));
            Assert.Equal(pair.Second.GetProperty("segment").GetProperty("text").GetString(), response.Text[span.StartIndex!.Value..span.EndIndex!.Value]);
            Assert.Equal("https://www.google.com/search?q=weather+in+Melbourne,+AU", pair.First.Url!.OriginalString);
        });
    }

    private static JsonElement Property(ChatResponse response, string name) => Assert.IsType<JsonElement>(response.AdditionalProperties![name]);

    private sealed record RecordedCase(string Prompt, ChatOptions? Options = null)
    {
        public ChatFinishReason Finish { get; init; } = ChatFinishReason.Stop;

        public (long?, long?, long?)? Usage { get; init; }

        public (string Code, string Status, string Says)? Error { get; init; }

        public Action<ChatResponse>? Check { get; init; }
    }
}
