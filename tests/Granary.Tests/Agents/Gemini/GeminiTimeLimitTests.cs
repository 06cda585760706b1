using Microsoft.Extensions.AI;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>Only our own limit and the caller end a call; other libraries' shorter defaults don't.</summary>
public sealed class GeminiTimeLimitTests
{
    // A limit that follows the wrong clock would let a call hang for its real minutes.
    private static readonly TimeSpan _hangsAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _sixMinutes = TimeSpan.FromMinutes(6);

    private readonly ManualTime _time = new();
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task six_minutes_are_within_the_default_limit()
    {
        await using var gemini = Loopback(new(), SyntheticFixture.Reply("safety-stop") with { BeforeHead = HoldAsync });
        var call = gemini.AskAsync("think");
        await gemini.Server.Asked;

        _time.Advance(_sixMinutes);
        _goOn.SetResult();

        Assert.Equal("I can", (await Soon(call)).Text);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task ten_minutes_end_a_call_that_never_answers(bool isStream)
    {
        await using var gemini = Loopback(new(), SyntheticFixture.Reply("safety-stop") with { BeforeHead = HoldAsync });
        var call = isStream ? gemini.StreamAsync("think") : gemini.AskAsync("think");
        await gemini.Server.Asked;

        _time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromTicks(1));
        Assert.False(call.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));

        var error = await Assert.ThrowsAsync<ModelException>(() => Soon(call));
        Assert.Equal("GRN2209", error.Code);
        Assert.True(error.IsTransient);
        Assert.Contains("00:10:00", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task limit_counts_for_a_stream_as_a_whole()
    {
        await using var gemini = Loopback(
            new() { Timeout = TimeSpan.FromMinutes(1) }, SyntheticFixture.Reply("truncated-stream") with { BeforeEnd = HoldAsync });
        var token = TestContext.Current.CancellationToken;
        await using var updates = gemini.Client.GetStreamingResponseAsync("think", cancellationToken: token).GetAsyncEnumerator(token);
        Assert.True(await updates.MoveNextAsync());
        Assert.Equal("It is ", updates.Current.Text);

        _time.Advance(TimeSpan.FromMinutes(1));

        var error = await Assert.ThrowsAsync<ModelException>(() => Soon(updates.MoveNextAsync().AsTask()));
        Assert.Equal("GRN2209", error.Code);
    }

    [Fact]
    public async Task limit_counts_for_the_body_too()
    {
        await using var gemini = Loopback(
            new() { Timeout = TimeSpan.FromMinutes(1) }, SyntheticFixture.Reply("safety-stop") with { BeforeEnd = HoldAsync });
        var call = gemini.AskAsync("think");
        await gemini.Server.Asked;

        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal("GRN2209", (await Assert.ThrowsAsync<ModelException>(() => Soon(call))).Code);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task cancelling_the_callers_token_is_no_error_of_the_model(bool isStream)
    {
        await using var gemini = Loopback(new(), SyntheticFixture.Reply("safety-stop") with { BeforeHead = HoldAsync });
        using var caller = new CancellationTokenSource();
        var call = isStream
            ? gemini.Client.GetStreamingResponseAsync("think", null, caller.Token).ToChatResponseAsync(caller.Token)
            : gemini.Client.GetResponseAsync("think", null, caller.Token);
        await gemini.Server.Asked;

        await caller.CancelAsync();

        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Soon(call));
        Assert.Equal(caller.Token, cancelled.CancellationToken);
    }

    [Fact]
    public async Task limit_of_a_given_http_client_is_named_as_such()
    {
        await using var server = new LoopbackServer(_ => SyntheticFixture.Reply("safety-stop") with { BeforeHead = HoldAsync });
        using var http = new HttpClient { Timeout = TimeSpan.FromMilliseconds(50) };
        using var client = new GeminiChatClient(new GeminiOptions { ApiKey = GeminiLoopback.Key, Endpoint = server.Endpoint }, http);

        var error = await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync("think", null, TestContext.Current.CancellationToken));

        Assert.Equal("GRN2209", error.Code);
        Assert.Contains("HttpClient.Timeout", error.Remedy!, StringComparison.Ordinal);
    }

    /// <summary>Real time: HttpClient gives up after 100 seconds, Orleans after 30, and this call takes longer than both.</summary>
    [Fact, Trait("Speed", "Long")]
    public async Task call_outlives_the_defaults_of_http_client_and_orleans()
    {
        await using var server = new LoopbackServer(
            _ => SyntheticFixture.Reply("safety-stop") with { BeforeHead = token => Task.Delay(TimeSpan.FromSeconds(110), token) });
        using var client = new GeminiChatClient(new GeminiOptions { ApiKey = GeminiLoopback.Key, Endpoint = server.Endpoint });

        var response = await client.GetResponseAsync("think", null, TestContext.Current.CancellationToken);

        Assert.Equal("I can", response.Text);
    }

    private GeminiLoopback Loopback(GeminiOptions options, LoopbackReply reply)
    {
        options.TimeProvider = _time;
        return new(options, reply);
    }

    private static Task<T> Soon<T>(Task<T> call) => call.WaitAsync(_hangsAfter, TestContext.Current.CancellationToken);

    private Task HoldAsync(CancellationToken serverStops) => _goOn.Task.WaitAsync(serverStops);
}
