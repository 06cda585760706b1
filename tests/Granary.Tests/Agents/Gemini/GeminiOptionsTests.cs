using Microsoft.Extensions.AI;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>Settings and what the client does with them.</summary>
public sealed class GeminiOptionsTests
{
    [Fact]
    public void defaults_are_the_public_endpoint_the_latest_flash_model_and_ten_minutes()
    {
        var options = GeminiOptions.FromEnvironment(_ => null);

        Assert.Null(options.ApiKey);
        Assert.Equal("gemini-flash-latest", options.Model);
        Assert.Equal("https://generativelanguage.googleapis.com/", options.Endpoint.ToString());
        Assert.Equal(TimeSpan.FromMinutes(10), options.Timeout);
    }

    [Fact]
    public void environment_sets_key_endpoint_and_model()
    {
        var variables = new Dictionary<string, string?>
        {
            ["GEMINI_API_KEY"] = " abc\n",
            ["GRANARY_GEMINI_ENDPOINT"] = "http://127.0.0.1:9/base/",
            ["GRANARY_GEMINI_MODEL"] = "gemini-3-flash-preview",
        };

        var options = GeminiOptions.FromEnvironment(variables.GetValueOrDefault);

        Assert.Equal(("abc", "http://127.0.0.1:9/base/", "gemini-3-flash-preview"), (options.ApiKey, options.Endpoint.ToString(), options.Model));
    }

    [Fact]
    public void endpoint_that_is_no_address_is_refused_by_name()
    {
        var error = Assert.Throws<GranaryUsageException>(
            () => GeminiOptions.FromEnvironment(name => name == "GRANARY_GEMINI_ENDPOINT" ? "localhost" : null));

        Assert.Equal("GRN1902", error.Code);
        Assert.Contains("GRANARY_GEMINI_ENDPOINT", error.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("AIza\r\nX-Evil: 1"), InlineData("schlüssel")]
    public void key_that_cannot_be_a_header_is_refused_without_being_shown(string key)
    {
        var error = Assert.Throws<ArgumentException>(() => new GeminiChatClient(key));

        Assert.DoesNotContain(key, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void unusable_options_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new GeminiChatClient(" "));
        Assert.Throws<ArgumentException>(() => new GeminiChatClient("key", ""));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GeminiChatClient(new GeminiOptions { Timeout = TimeSpan.Zero }));
        Assert.Throws<ArgumentException>(() => new GeminiChatClient(new GeminiOptions { Endpoint = new("ftp://example.org") }));
    }

    [Theory]
    [InlineData("gemini-3-flash-preview", "/base/v1beta/models/gemini-3-flash-preview:generateContent")]
    [InlineData("models/gemini-3-flash-preview", "/base/v1beta/models/gemini-3-flash-preview:generateContent")]
    [InlineData("tunedModels/mine", "/base/v1beta/tunedModels/mine:generateContent")]
    [InlineData("odd name?x", "/base/v1beta/models/odd%20name%3Fx:generateContent")]
    public async Task model_of_the_request_wins_and_the_path_of_the_endpoint_stays(string model, string target)
    {
        await using var server = new LoopbackServer(_ => SyntheticFixture.Reply("safety-stop"));
        using var client = new GeminiChatClient(new GeminiOptions { ApiKey = GeminiLoopback.Key, Endpoint = new(server.Endpoint, "/base/?key=never") });

        await client.GetResponseAsync("hi", new() { ModelId = model }, TestContext.Current.CancellationToken);

        Assert.Equal(target, Assert.Single(server.Requests).Target);
    }

    [Fact]
    public async Task client_without_a_key_sends_no_key_header()
    {
        await using var server = new LoopbackServer(_ => SyntheticFixture.Reply("safety-stop"));
        using var client = new GeminiChatClient(new GeminiOptions { Endpoint = server.Endpoint });

        await client.GetResponseAsync("hi", null, TestContext.Current.CancellationToken);

        Assert.DoesNotContain("x-goog-api-key", Assert.Single(server.Requests).Headers.Keys, StringComparer.OrdinalIgnoreCase);
    }

    [Fact]
    public void client_tells_who_it_is()
    {
        using var client = new GeminiChatClient(GeminiLoopback.Key);

        var metadata = client.GetService<ChatClientMetadata>()!;

        Assert.Equal(("gcp.gemini", "gemini-flash-latest"), (metadata.ProviderName, metadata.DefaultModelId));
        Assert.Same(client, client.GetService<GeminiChatClient>());
        Assert.Null(client.GetService<HttpClient>());
        Assert.DoesNotContain(GeminiLoopback.Key, client.ToString()!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task given_http_client_stays_open()
    {
        await using var server = new LoopbackServer(_ => SyntheticFixture.Reply("safety-stop"));
        using var http = new HttpClient();
        new GeminiChatClient(new GeminiOptions { ApiKey = GeminiLoopback.Key, Endpoint = server.Endpoint }, http).Dispose();

        using var answer = await http.GetAsync(server.Endpoint, TestContext.Current.CancellationToken);

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Empty(http.DefaultRequestHeaders);
    }
}
