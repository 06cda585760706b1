using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.AI;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>Every failure has its code, says whether trying again helps, and gives nothing away.</summary>
public sealed class GeminiErrorsTests
{
    private const string Prompt = "my secret diary";

    [Theory]
    [InlineData("invalid-argument-with-echo", "GRN2201", 400, "INVALID_ARGUMENT", false)]
    [InlineData("key-invalid", "GRN2202", 400, "INVALID_ARGUMENT", false)]
    [InlineData("key-forbidden", "GRN2202", 403, "PERMISSION_DENIED", false)]
    [InlineData("rate-limited", "GRN2204", 429, "RESOURCE_EXHAUSTED", true, 37.5)]
    [InlineData("daily-quota", "GRN2205", 429, "RESOURCE_EXHAUSTED", false)]
    [InlineData("daily-quota-by-metric", "GRN2205", 429, "RESOURCE_EXHAUSTED", false)]
    [InlineData("server-error", "GRN2206", 500, "INTERNAL", true)]
    [InlineData("overloaded", "GRN2206", 503, "UNAVAILABLE", true, 12.0)]
    [InlineData("proxy-page", "GRN2206", 502, null, true)]
    [InlineData("blocked-prompt", "GRN2207", 200, "PROHIBITED_CONTENT", false)]
    [InlineData("malformed-function-call", "GRN2208", 200, "MALFORMED_FUNCTION_CALL", true)]
    [InlineData("no-candidate", "GRN2210", null, null, true)]
    public async Task failure_has_its_code_and_its_remedy(
        string fixture, string code, int? status, string? providerStatus, bool isTransient, double? retryAfterSeconds = null)
    {
        await using var gemini = GeminiLoopback.Serving(fixture, fixture);

        ModelException[] errors =
        [
            await Assert.ThrowsAsync<ModelException>(() => gemini.AskAsync(Prompt)),
            await Assert.ThrowsAsync<ModelException>(() => gemini.StreamAsync(Prompt)),
        ];

        Assert.All(errors, error =>
        {
            Assert.Equal(code, error.Code);
            Assert.Equal(status, error.Status);
            Assert.Equal(providerStatus, error.ProviderStatus);
            Assert.Equal(isTransient, error.IsTransient);
            Assert.Equal(retryAfterSeconds, error.RetryAfter?.TotalSeconds);
            Assert.StartsWith(code + ": ", error.Message, StringComparison.Ordinal);
            Assert.EndsWith(error.Remedy!, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Prompt, error.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain(GeminiLoopback.Key, error.ToString(), StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("stream-error-with-prefix", "GRN2206", 503, 1)]
    [InlineData("stream-error-without-prefix", "GRN2206", 503, 1)]
    [InlineData("stream-error-cut-into-event", "GRN2206", 503, 1)]
    [InlineData("stream-refused-with-prefix", "GRN2203", 404, 0)]
    [InlineData("truncated-stream", "GRN2210", null, 1)]
    [InlineData("cut-event", "GRN2210", null, 1)]
    public async Task broken_stream_fails_after_what_it_had(string fixture, string code, int? status, int updatesBefore)
    {
        await using var gemini = GeminiLoopback.Serving(fixture);
        var updates = new List<ChatResponseUpdate>();

        var error = await Assert.ThrowsAsync<ModelException>(() => gemini.StreamAsync(Prompt, updates));

        Assert.Equal(code, error.Code);
        Assert.Equal(status, error.Status);
        Assert.Equal(updatesBefore, updates.Count);
        Assert.Equal(code != "GRN2203", error.IsTransient);
        Assert.Equal(status == 503 ? TimeSpan.FromSeconds(3) : null, error.RetryAfter);
    }

    [Fact]
    public async Task message_repeats_what_gemini_says_but_not_what_it_quotes()
    {
        await using var gemini = GeminiLoopback.Serving("invalid-argument-with-echo");

        var error = await Assert.ThrowsAsync<ModelException>(() => gemini.AskAsync(Prompt));

        Assert.Contains("""Bad value "[text]" for the key [key].""", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task connection_lost_in_the_middle_of_an_answer_is_worth_another_try()
    {
        await using var gemini = new GeminiLoopback(GeminiLoopback.Model, LoopbackReply.Json(200, """{"candidates": [""") with { BreaksOff = true });

        var error = await Assert.ThrowsAsync<ModelException>(() => gemini.AskAsync(Prompt));

        Assert.Equal("GRN2211", error.Code);
        Assert.True(error.IsTransient);
        Assert.Null(error.Status);
    }

    [Fact]
    public async Task closed_port_is_unreachable()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        using var client = new GeminiChatClient(new GeminiOptions { ApiKey = GeminiLoopback.Key, Endpoint = new($"http://127.0.0.1:{port}") });

        var error = await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync(Prompt, null, TestContext.Current.CancellationToken));

        Assert.Equal("GRN2211", error.Code);
        Assert.True(error.IsTransient);
    }

    [Theory, InlineData("not json"), InlineData("[]"), InlineData("""{"candidates": "none"}"""), InlineData("""{"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}""")]
    public async Task reply_of_another_shape_is_unreadable(string body)
    {
        await using var gemini = new GeminiLoopback(GeminiLoopback.Model, LoopbackReply.Json(200, body));

        var error = await Assert.ThrowsAsync<ModelException>(() => gemini.AskAsync(Prompt));

        Assert.Equal("GRN2210", error.Code);
        Assert.True(error.IsTransient);
    }

    [Fact]
    public async Task redirect_is_not_followed_with_the_key()
    {
        await using var elsewhere = new LoopbackServer(_ => SyntheticFixture.Reply("safety-stop"));
        var redirect = LoopbackReply.Json(307, "{}") with { Headers = new Dictionary<string, string> { ["Location"] = elsewhere.Endpoint.ToString() } };
        await using var gemini = new GeminiLoopback(GeminiLoopback.Model, redirect);

        var error = await Assert.ThrowsAsync<ModelException>(() => gemini.AskAsync(Prompt));

        Assert.Equal(("GRN2210", 307, false), (error.Code, error.Status, error.IsTransient));
        Assert.Empty(elsewhere.Requests);
    }
}
