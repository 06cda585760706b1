using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>How messages become contents; no server is needed to see it.</summary>
public sealed class GeminiHistoryTests
{
    [Theory]
    [InlineData("gemini-3-flash-preview", true)]
    [InlineData("gemini-flash-latest", true)]
    [InlineData("models/gemini-3-pro-preview", true)]
    [InlineData("gemini-2.5-flash", false)]
    [InlineData("models/gemini-2.0-flash", false)]
    public void call_of_another_model_in_the_current_turn_gets_the_documented_stand_in(string model, bool isSigned)
    {
        var contents = Contents(model, User("old"), Call("call_1"), Result("call_1"), User("new"), Call("call_2", "call_3"), Result("call_2"), Result("call_3"));

        Assert.Equal(
            [null, isSigned ? "skip_thought_signature_validator" : null, null],
            contents.SelectMany(content => content!["parts"]!.AsArray()).Where(part => part!["functionCall"] is not null)
                .Select(part => part!["thoughtSignature"]?.GetValue<string>()));
    }

    [Fact]
    public void unsigned_call_of_the_same_model_goes_back_as_it_came()
    {
        var contents = Contents("gemini-flash-latest", User("new"), UnsignedBy("gemini-flash-latest"), Result("a"));

        Assert.Null(contents[1]!["parts"]![0]!["thoughtSignature"]);
    }

    [Fact]
    public void unsigned_call_of_an_older_model_gets_the_stand_in_after_a_change_of_model()
    {
        var contents = Contents("gemini-3-flash-preview", User("new"), UnsignedBy("gemini-2.0-flash"), Result("a"));

        Assert.Equal("skip_thought_signature_validator", contents[1]!["parts"]![0]!["thoughtSignature"]!.GetValue<string>());
    }

    [Fact]
    public void reasoning_of_other_providers_is_not_sent()
    {
        var foreign = new ChatMessage(ChatRole.Assistant,
        [
            new TextReasoningContent(null) { ProtectedData = "ZW5jcnlwdGVk" },
            new TextReasoningContent("I think") { ProtectedData = "c2lnbmVk" },
            new TextContent("Hello."),
        ]);

        var contents = Contents("gemini-3-flash-preview", User("hi"), foreign);

        Assert.Equal("""[{"text":"Hello."}]""", contents[1]!["parts"]!.ToJsonString());
    }

    [Fact]
    public void signed_thought_goes_back_as_a_thought_and_an_unsigned_one_stays_home()
    {
        var request = GeminiRequest.Create([User("hi")], null, "gemini-3-flash-preview");
        var thoughts = new GeminiReply(request).Read(
            JsonSerializer.Deserialize<JsonElement>(
                """
                { "candidates": [{ "content": { "parts": [
                  { "text": "unsigned", "thought": true }, { "text": "Hello." }, { "text": "signed", "thought": true, "thoughtSignature": "QQ==" }
                ] }, "finishReason": "STOP" }] }
                """),
            annotate: true);

        var contents = Contents("gemini-3-flash-preview", User("hi"), new(ChatRole.Assistant, thoughts));

        Assert.Equal("""[{"text":"Hello."},{"text":"signed","thought":true,"thoughtSignature":"QQ=="}]""", contents[1]!["parts"]!.ToJsonString());
    }

    [Fact]
    public void history_of_googles_own_adapter_keeps_its_signatures()
    {
        var call = Call("a");
        call.Contents.Add(new TextReasoningContent(null) { ProtectedData = "U2ln" });

        var contents = Contents("gemini-3-flash-preview", User("hi"), GeminiLoopback.Journaled(call), Result("a"));

        Assert.Equal("U2ln", contents[1]!["parts"]![0]!["thoughtSignature"]!.GetValue<string>());
    }

    [Fact]
    public void instructions_come_before_system_messages_and_neither_is_a_content()
    {
        var body = GeminiRequest.Create([new(ChatRole.System, "Be kind."), User("hi")], new() { Instructions = "Be short." }, "gemini-3-flash-preview").Body;

        Assert.Equal("""{"parts":[{"text":"Be short."},{"text":"Be kind."}]}""", body["systemInstruction"]!.ToJsonString());
        Assert.Single(body["contents"]!.AsArray());
    }

    [Fact]
    public void data_and_links_become_inline_data_and_file_data()
    {
        var message = new ChatMessage(ChatRole.User, [new DataContent("abc"u8.ToArray(), "image/png"), new UriContent("https://example.org/a.pdf", "application/pdf")]);

        var parts = Contents("gemini-3-flash-preview", message)[0]!["parts"]!;

        Assert.Equal("""{"inlineData":{"mimeType":"image/png","data":"YWJj"}}""", parts[0]!.ToJsonString());
        Assert.Equal("""{"fileData":{"fileUri":"https://example.org/a.pdf","mimeType":"application/pdf"}}""", parts[1]!.ToJsonString());
    }

    [Fact]
    public void object_results_are_the_answer_and_others_become_its_output()
    {
        ChatMessage results = new(ChatRole.Tool,
            [new FunctionResultContent("a", new { degrees = 21 }), new FunctionResultContent("b", new[] { 1, 2 }), new FunctionResultContent("c", null)]);

        var parts = Contents("gemini-2.0-flash", User("hi"), Call("a", "b", "c"), results)[2]!["parts"]!.AsArray();

        Assert.Equal(
            ["""{"degrees":21}""", """{"output":[1,2]}""", """{"output":null}"""],
            parts.Select(part => part!["functionResponse"]!["response"]!.ToJsonString()));
    }

    [Fact]
    public void live_and_journaled_results_are_sent_alike()
    {
        ChatMessage results = new(ChatRole.Tool, [new FunctionResultContent("a", "plain"), new FunctionResultContent("b", new { degrees = 21 })]);

        var live = Contents("gemini-2.0-flash", User("hi"), Call("a", "b"), results);
        var journaled = Contents("gemini-2.0-flash", User("hi"), GeminiLoopback.Journaled(Call("a", "b")), GeminiLoopback.Journaled(results));

        Assert.Equal(live.ToJsonString(), journaled.ToJsonString());
    }

    [Fact]
    public void result_without_its_call_is_refused_before_anything_is_sent()
    {
        var error = Assert.Throws<ModelException>(() => Contents("gemini-3-flash-preview", User("hi"), Result("lost")));

        Assert.Equal("GRN2201", error.Code);
        Assert.Contains("'lost'", error.Message, StringComparison.Ordinal);
    }

    private static JsonArray Contents(string model, params ChatMessage[] messages) =>
        GeminiRequest.Create(messages, null, model).Body["contents"]!.AsArray();

    private static ChatMessage User(string text) => new(ChatRole.User, text);

    private static ChatMessage Call(params string[] ids) =>
        new(ChatRole.Assistant, [.. ids.Select(id => new FunctionCallContent(id, "Act", new Dictionary<string, object?> { ["n"] = 1 }))]);

    private static ChatMessage Result(string id) => new(ChatRole.Tool, [new FunctionResultContent(id, "done")]);

    private static ChatMessage UnsignedBy(string model)
    {
        var request = GeminiRequest.Create([User("hi")], null, model);
        var answer = JsonSerializer.Deserialize<JsonElement>("""{"candidates":[{"content":{"parts":[{"functionCall":{"id":"a","name":"Act"}}]},"finishReason":"STOP"}]}""");
        return GeminiLoopback.Journaled(new(ChatRole.Assistant, new GeminiReply(request).Read(answer, annotate: true)));
    }
}
