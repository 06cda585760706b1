using System.Runtime.CompilerServices;
using Granary.Agents;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>
/// A stand-in for a model where there is none: it follows rules, needs no key and no network, and says so in every text.
/// It chooses tools by the words that the question shares with their names and descriptions, fills their parameters with
/// names, quotes, numbers and choices from the question, and reports what the tools return.
/// </summary>
/// <remarks>
/// Deterministic: the same messages and tools give the same reply. Looks at the last user message and at what follows it
/// only. Reports no token counts, because it has none. Thread-safe.
/// </remarks>
public sealed class OfflineChatClient : IChatClient
{
    /// <summary>What every text begins with.</summary>
    internal const string Label = "[offline demo model] ";

    /// <summary>The model id of every reply.</summary>
    internal const string ModelId = "offline-demo (rules, not an LLM)";

    private static readonly ChatClientMetadata _metadata = new("offline-demo", defaultModelId: ModelId);

    /// <inheritdoc/>
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Reply([.. messages], options));
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var reply = await GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
        foreach (var update in reply.ToChatResponseUpdates())
            yield return update;
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Nothing is held.
    }

    private static ChatResponse Reply(IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        var asked = messages.Count - 1;
        while (asked >= 0 && messages[asked].Role != ChatRole.User)
            asked--;
        var question = asked < 0 ? "" : messages[asked].Text;
        var tools = options?.ToolMode is NoneChatToolMode ? [] : (options?.Tools ?? []).OfType<AIFunctionDeclaration>().ToList();
        var plan = OfflinePlan.For(new OfflineQuestion(question), tools);

        // Every call that is in the history was answered, well or badly: what remains of the plan is still to do.
        var since = messages.Skip(asked + 1).SelectMany(m => m.Contents).ToList();
        var made = since.OfType<FunctionCallContent>().ToList();
        var next = plan.Calls.Skip(made.Count).Take(options?.AllowMultipleToolCalls == false ? 1 : int.MaxValue).ToList();
        IList<AIContent> contents = next.Count > 0
            ? [.. next.Select((call, index) => new FunctionCallContent($"offline-{asked + 1}-{made.Count + index + 1}", call.Tool, call.Arguments))]
            : [new TextContent(Label + OfflineText.Answer(plan, made, since, tools, options?.ResponseFormat is ChatResponseFormatJson))];
        return new(new ChatMessage(ChatRole.Assistant, contents))
        {
            ModelId = ModelId,
            FinishReason = next.Count > 0 ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
        };
    }
}
