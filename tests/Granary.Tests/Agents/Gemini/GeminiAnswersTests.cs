using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>What synthetic answers and streams come to.</summary>
public sealed class GeminiAnswersTests
{
    [Fact]
    public async Task stopped_for_safety_is_a_filtered_answer_that_keeps_the_ratings()
    {
        await using var gemini = GeminiLoopback.Serving("safety-stop");

        var response = await gemini.AskAsync("how?");

        Assert.Equal(ChatFinishReason.ContentFilter, response.FinishReason);
        Assert.Equal("I can", response.Text);
        Assert.Equal("SAFETY", response.AdditionalProperties!["finishReason"]);
        Assert.Equal("HIGH", ((JsonElement)response.AdditionalProperties["safetyRatings"]!)[0].GetProperty("probability").GetString());
    }

    [Theory]
    [InlineData("SPII", "content_filter")]
    [InlineData("RECITATION", "content_filter")]
    [InlineData("IMAGE_SAFETY", "content_filter")]
    [InlineData("MAX_TOKENS", "length")]
    [InlineData("STOP", "stop")]
    [InlineData("LANGUAGE", "LANGUAGE")]
    public void finish_reasons_are_mapped_and_unknown_ones_keep_their_name(string reason, string wanted) =>
        Assert.Equal(wanted, GeminiFinish.Map(reason, hasCalls: false).Value);

    [Theory, InlineData(false), InlineData(true)]
    public async Task signature_on_an_empty_last_part_goes_back_on_an_empty_part(bool isJournaled)
    {
        await using var gemini = GeminiLoopback.Serving("signed-text-stream", "safety-stop");
        var response = await gemini.StreamAsync("weather?");
        var answer = isJournaled ? GeminiLoopback.Journaled(response.Messages[0]) : response.Messages[0];

        await gemini.AskAsync([new(ChatRole.User, "weather?"), answer, new(ChatRole.User, "sure?")]);

        Assert.Equal("It is sunny.", response.Text);
        Assert.Equal(
            """[{"text":"It is sunny."},{"text":"","thoughtSignature":"U2lnbmF0dXJlVA=="}]""", gemini.Bodies[1]["contents"]![1]!["parts"]!.ToJsonString());
    }

    [Fact]
    public async Task signature_on_the_last_piece_of_a_text_goes_back_on_that_piece()
    {
        await using var gemini = GeminiLoopback.Serving("signed-last-piece-stream", "safety-stop");
        var answer = (await gemini.StreamAsync("weather?")).Messages[0];

        await gemini.AskAsync([new(ChatRole.User, "weather?"), GeminiLoopback.Journaled(answer), new(ChatRole.User, "sure?")]);

        Assert.Equal(
            """[{"text":"It is "},{"text":"sunny.","thoughtSignature":"U2lnbmF0dXJlVA=="}]""", gemini.Bodies[1]["contents"]![1]!["parts"]!.ToJsonString());
    }

    [Fact]
    public async Task usage_of_a_stream_is_the_last_total_and_comes_once()
    {
        await using var gemini = GeminiLoopback.Serving("signed-text-stream");
        var updates = new List<ChatResponseUpdate>();

        var usage = (await gemini.StreamAsync("weather?", updates)).Usage!;

        Assert.Single(updates.SelectMany(update => update.Contents), content => content is UsageContent);
        Assert.Equal((8, 24, 32, 20), (usage.InputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount, usage.ReasoningTokenCount));
        Assert.Equal(["It is ", "sunny."], updates.Select(update => update.Text).Where(text => text.Length > 0));
    }

    [Fact]
    public async Task thoughts_are_reasoning_and_not_part_of_the_text()
    {
        await using var gemini = GeminiLoopback.Serving("signed-text-stream");

        var message = (await gemini.StreamAsync("weather?")).Messages[0];

        Assert.Equal("Let me think.", Assert.IsType<TextReasoningContent>(message.Contents[0]).Text);
        Assert.Equal("It is sunny.", message.Text);
    }

    [Fact]
    public async Task stream_cut_between_any_two_bytes_reads_the_same()
    {
        var whole = SyntheticFixture.Reply("signed-text-stream").Segments.SelectMany(segment => segment);
        var bytes = Encoding.UTF8.GetString([.. whole]).Replace("sunny", "sönnig ☀", StringComparison.Ordinal);
        await using var gemini = new GeminiLoopback(
            GeminiLoopback.Model, new LoopbackReply(200, "text/event-stream", [.. Encoding.UTF8.GetBytes(bytes).Select(single => new[] { single })]));

        Assert.Equal("It is sönnig ☀.", (await gemini.StreamAsync("weather?")).Text);
    }

    [Fact]
    public async Task parts_without_a_content_type_of_their_own_go_back_as_they_came()
    {
        await using var gemini = GeminiLoopback.Serving("code-execution", "safety-stop");
        var response = await gemini.AskAsync("2 + 2?");

        await gemini.AskAsync([new(ChatRole.User, "2 + 2?"), GeminiLoopback.Journaled(response.Messages[0]), new(ChatRole.User, "sure?")]);

        Assert.Equal("It is 4.", response.Text);
        var sent = gemini.Bodies[1]["contents"]![1]!["parts"];
        var came = SyntheticFixture.Load("code-execution")["segments"]![0]!["candidates"]![0]!["content"]!["parts"];
        Assert.True(System.Text.Json.Nodes.JsonNode.DeepEquals(came, sent), sent!.ToJsonString());
    }

    [Fact]
    public async Task citations_mark_the_cited_characters()
    {
        await using var gemini = GeminiLoopback.Serving("citations");

        var response = await gemini.AskAsync("quote");

        var citation = Assert.IsType<CitationAnnotation>(Assert.Single(response.Messages[0].Contents[0].Annotations!));
        var span = Assert.IsType<TextSpanAnnotatedRegion>(Assert.Single(citation.AnnotatedRegions!));
        Assert.Equal("to be or not to be", response.Text[span.StartIndex!.Value..span.EndIndex!.Value]);
        Assert.Equal("https://example.org/hamlet", citation.Url!.OriginalString);
    }
}
