using System.Text.Json;
using Granary.Agents;
using Microsoft.Extensions.AI;

namespace Granary.Tests.Agents;

/// <summary>A model whose replies a test writes.</summary>
internal sealed class ScriptedModel(Func<int, ModelRequest, ChatResponse> reply) : IChatClient
{
    private readonly Lock _lock = new();
    private readonly List<ModelRequest> _requests = [];

    public ScriptedModel(params ChatResponse[] replies)
        : this((call, _) => replies[call])
    {
    }

    public IReadOnlyList<ModelRequest> Requests
    {
        get
        {
            lock (_lock)
                return [.. _requests];
        }
    }

    public int Streams { get; private set; }

    public static ChatResponse Say(string text) => new(new ChatMessage(ChatRole.Assistant, text));

    public static ChatResponse Call(params FunctionCallContent[] calls) => new(new ChatMessage(ChatRole.Assistant, [.. calls]));

    public static FunctionCallContent Function(string name, object? arguments = null, string id = "same-id") =>
        new(id, name, JsonSerializer.SerializeToElement(arguments ?? new { }).EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value));

    /// <summary>What the model was told by the tools since the question, in order.</summary>
    public static IReadOnlyList<string> Results(ModelRequest request) =>
        [.. request.Messages.SelectMany(m => m.Contents).OfType<FunctionResultContent>().Select(r => r.Result?.ToString() ?? "null")];

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var request = new ModelRequest([.. messages], options, null);
        int call;
        lock (_lock)
        {
            call = _requests.Count;
            _requests.Add(request);
        }

        return Task.FromResult(reply(call, request));
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Streams++;
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            await Task.Yield();
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }
}

/// <summary>Shorthands for a durable client over a scripted model.</summary>
internal static class Durable
{
    public static IChatClient Client(IChatClient model, Action<DurableChatOptions>? configure = null) =>
        new ChatClientBuilder(model).UseDurable(configure).Build();

    public static ChatOptions With(params AITool[] tools) => new() { Tools = [.. tools] };

    public static AIFunction Tool(string name, Delegate body) => AIFunctionFactory.Create(body, name);

    public static string Json(ChatResponse response) => JsonSerializer.Serialize(response, AgentJson.Options);
}
