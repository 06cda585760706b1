using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>Calls, their answers and their ids over two turns, against synthetic answers.</summary>
public sealed class GeminiToolTurnsTests
{
    private static readonly ChatMessage _question = new(ChatRole.User, "What's the weather like in Melbourne?");

    [Fact]
    public async Task second_turn_carries_call_and_answer_as_documented()
    {
        var wanted = SyntheticFixture.Load("weather-second-turn")["request"]!;
        await using var gemini = new GeminiLoopback("gemini-2.0-flash", SyntheticFixture.Reply("weather-second-turn"));
        var call = new FunctionCallContent("granary_call_0_0", "GetWeather", new Dictionary<string, object?> { ["location"] = "Melbourne" });
        ChatMessage[] history =
        [
            _question,
            new(ChatRole.Assistant, [call]),
            new(ChatRole.Tool, [new FunctionResultContent("granary_call_0_0", "sunny, 21 degrees")]),
        ];

        var response = await gemini.AskAsync(history, new() { Tools = [Weather] });

        Assert.Equal("It is sunny in Melbourne, 21 degrees.", response.Text);
        RequestBody.AssertSame(wanted, Assert.Single(gemini.Bodies));
    }

    [Fact]
    public async Task answers_of_parallel_calls_go_back_in_one_content_in_call_order_with_their_ids()
    {
        await using var gemini = GeminiLoopback.Serving("parallel-calls-with-ids", "weather-second-turn");
        var first = await gemini.AskAsync([_question], new() { Tools = [Weather] });

        await gemini.AskAsync([_question, first.Messages[0], Answer("call-b", "rain"), Answer("call-a", "sun")], new() { Tools = [Weather] });

        var contents = gemini.Bodies[1]["contents"]!.AsArray();
        Assert.Equal(["user", "model", "user"], contents.Select(content => content!["role"]!.GetValue<string>()));
        AssertJson(
            """
            [
              { "functionResponse": { "id": "call-a", "name": "GetWeather", "response": { "output": "sun" } } },
              { "functionResponse": { "id": "call-b", "name": "GetWeather", "response": { "output": "rain" } } }
            ]
            """,
            contents[2]!["parts"]);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task signature_goes_back_on_exactly_the_call_that_carried_it(bool isJournaled)
    {
        await using var gemini = GeminiLoopback.Serving("parallel-calls-with-ids", "weather-second-turn");
        var call = (await gemini.AskAsync([_question])).Messages[0];

        await gemini.AskAsync([_question, isJournaled ? GeminiLoopback.Journaled(call) : call, Answer("call-a", "sun"), Answer("call-b", "rain")]);

        AssertJson(
            """
            [
              { "functionCall": { "id": "call-a", "name": "GetWeather", "args": { "location": "Melbourne" } }, "thoughtSignature": "U2lnbmF0dXJlQQ==" },
              { "functionCall": { "id": "call-b", "name": "GetWeather", "args": { "location": "Perth" } } }
            ]
            """,
            gemini.Bodies[1]["contents"]![1]!["parts"]);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task streamed_calls_keep_ids_and_signature_through_merging_and_journal(bool isJournaled)
    {
        await using var gemini = GeminiLoopback.Serving("parallel-calls-stream", "weather-second-turn");
        var response = await gemini.StreamAsync("What's the weather like in Melbourne?");
        var call = isJournaled ? GeminiLoopback.Journaled(response.Messages[0]) : response.Messages[0];

        await gemini.AskAsync([_question, call, Answer("call-a", "sun"), Answer("call-b", "rain")]);

        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        Assert.Equal(52, response.Usage!.TotalTokenCount);
        var parts = gemini.Bodies[1]["contents"]![1]!["parts"]!.AsArray();
        Assert.Equal(["call-a", "call-b"], parts.Select(part => part!["functionCall"]!["id"]!.GetValue<string>()));
        Assert.Equal(["U2lnbmF0dXJlQQ==", null], parts.Select(part => part!["thoughtSignature"]?.GetValue<string>()));
    }

    [Fact]
    public async Task signature_is_a_reasoning_content_without_text_right_after_its_call()
    {
        await using var gemini = GeminiLoopback.Serving("parallel-calls-with-ids");

        var contents = (await gemini.AskAsync("weather?")).Messages[0].Contents;

        Assert.Equal([typeof(FunctionCallContent), typeof(TextReasoningContent), typeof(FunctionCallContent)], contents.Select(content => content.GetType()));
        var signature = (TextReasoningContent)contents[1];
        Assert.Equal("U2lnbmF0dXJlQQ==", signature.ProtectedData);
        Assert.Equal("", signature.Text);
    }

    [Fact]
    public async Task calls_without_ids_get_their_own_in_every_round_and_none_is_sent_back()
    {
        await using var gemini = new GeminiLoopback(
            "gemini-2.0-flash", SyntheticFixture.Reply("parallel-calls-without-ids"), SyntheticFixture.Reply("parallel-calls-without-ids"));
        var first = (await gemini.AskAsync([_question])).Messages[0];
        ChatMessage answers = new(ChatRole.Tool, [new FunctionResultContent("granary_call_0_1", "noon"), new FunctionResultContent("granary_call_0_0", "sun")]);

        var second = (await gemini.AskAsync([_question, first, answers])).Messages[0];

        Assert.Equal(["granary_call_0_0", "granary_call_0_1"], Calls(first).Select(call => call.CallId));
        Assert.Equal(["granary_call_1_0", "granary_call_1_1"], Calls(second).Select(call => call.CallId));
        Assert.DoesNotContain("granary_call", gemini.Server.Requests[1].Body, StringComparison.Ordinal);
        var parts = gemini.Bodies[1]["contents"]![2]!["parts"]!.AsArray();
        Assert.Equal(["GetWeather", "GetTime"], parts.Select(part => part!["functionResponse"]!["name"]!.GetValue<string>()));
        Assert.Equal(["sun", "noon"], parts.Select(part => part!["functionResponse"]!["response"]!["output"]!.GetValue<string>()));
    }

    [Fact]
    public async Task function_invoking_client_finishes_a_parallel_round()
    {
        await using var gemini = GeminiLoopback.Serving("parallel-calls-with-ids", "weather-second-turn");
        using var agent = gemini.Client.AsBuilder().UseFunctionInvocation().Build();

        var response = await agent.GetResponseAsync([_question], new() { Tools = [Weather] }, TestContext.Current.CancellationToken);

        Assert.Equal("It is sunny in Melbourne, 21 degrees.", response.Text);
        var answers = gemini.Bodies[1]["contents"]![2]!["parts"]!.AsArray().Select(part => part!["functionResponse"]!).ToList();
        Assert.Equal(["call-a", "call-b"], answers.Select(answer => answer["id"]!.GetValue<string>()));
        Assert.Equal(["sunny in Melbourne", "sunny in Perth"], answers.Select(answer => answer["response"]!["output"]!.GetValue<string>()));
    }

    [Fact]
    public async Task usage_counts_thinking_as_output_and_tool_prompts_as_input()
    {
        await using var gemini = GeminiLoopback.Serving("parallel-calls-with-ids");

        var usage = (await gemini.AskAsync("weather?")).Usage!;

        Assert.Equal(45, usage.InputTokenCount);
        Assert.Equal(77, usage.OutputTokenCount);
        Assert.Equal(65, usage.ReasoningTokenCount);
        Assert.Equal(16, usage.CachedInputTokenCount);
        Assert.Equal(122, usage.TotalTokenCount);
    }

    private static AIFunction Weather { get; } =
        AIFunctionFactory.Create((string location) => $"sunny in {location}", "GetWeather", "return the real time weather of the location");

    private static ChatMessage Answer(string callId, string answer) => new(ChatRole.Tool, [new FunctionResultContent(callId, answer)]);

    private static IEnumerable<FunctionCallContent> Calls(ChatMessage message) => message.Contents.OfType<FunctionCallContent>();

    private static void AssertJson(string wanted, JsonNode? actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(wanted), actual), $"sent {actual?.ToJsonString()}");
}
