using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>A client whose server gives the given answers, one after the other.</summary>
internal sealed class GeminiLoopback : IAsyncDisposable
{
    public const string Key = "AIza-loopback-only-4711";

    private readonly Queue<LoopbackReply> _replies;

    public GeminiLoopback(string model, params LoopbackReply[] replies)
        : this(new GeminiOptions { Model = model }, replies)
    {
    }

    public GeminiLoopback(GeminiOptions options, params LoopbackReply[] replies)
    {
        _replies = new(replies);
        Server = new(_ => _replies.Dequeue());
        options.ApiKey = Key;
        options.Endpoint = Server.Endpoint;
        Client = new(options);
    }

    public static string Model => "gemini-3-flash-preview";

    public LoopbackServer Server { get; }

    public GeminiChatClient Client { get; }

    /// <summary>The bodies sent so far.</summary>
    public IReadOnlyList<JsonNode> Bodies => [.. Server.Requests.Select(request => request.Json)];

    public static GeminiLoopback Serving(params string[] fixtures) => new(Model, [.. fixtures.Select(SyntheticFixture.Reply)]);

    public Task<ChatResponse> AskAsync(string prompt) => AskAsync([new(ChatRole.User, prompt)]);

    public Task<ChatResponse> AskAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null) =>
        Client.GetResponseAsync(messages, options, TestContext.Current.CancellationToken);

    public Task<ChatResponse> StreamAsync(string prompt, List<ChatResponseUpdate>? seen = null) => StreamAsync([new(ChatRole.User, prompt)], seen);

    public async Task<ChatResponse> StreamAsync(IEnumerable<ChatMessage> messages, List<ChatResponseUpdate>? seen = null)
    {
        seen ??= [];
        await foreach (var update in Client.GetStreamingResponseAsync(messages, null, TestContext.Current.CancellationToken))
            seen.Add(update);
        return seen.ToChatResponse();
    }

    /// <summary>What a journal gives back: the same message out of its JSON.</summary>
    public static ChatMessage Journaled(ChatMessage message) =>
        JsonSerializer.Deserialize<ChatMessage>(JsonSerializer.Serialize(message, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!;

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
    }
}
