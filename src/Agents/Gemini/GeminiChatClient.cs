using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>An <see cref="IChatClient"/> for Gemini over its REST protocol (<c>generateContent</c> and <c>streamGenerateContent</c>).</summary>
/// <remarks>
/// <para>Safe to use from many threads. A call keeps no state in the client: everything the next request needs, thought signatures
/// and call ids included, is in the returned contents and survives a JSON round trip with <see cref="AIJsonUtilities.DefaultOptions"/>.</para>
/// <para>Failures are <see cref="ModelException"/>; the client never tries again by itself. Cancelling the caller's token ends a call with
/// <see cref="OperationCanceledException"/>. A call that ends without an answer may still have been billed.</para>
/// <para><see cref="ChatOptions.AdditionalProperties"/> may hold <c>safetySettings</c>, <c>thinkingConfig</c>, <c>generationConfig</c>
/// (merged over the fields made from the options) and <c>cachedContent</c>, in Gemini's own JSON form.</para>
/// </remarks>
public sealed class GeminiChatClient : IChatClient
{
    private readonly string _model;
    private readonly GeminiTransport _transport;
    private readonly ChatClientMetadata _metadata;

    /// <summary>Creates a client for the public endpoint.</summary>
    /// <param name="apiKey">The key; it goes into a header and nowhere else.</param>
    /// <param name="model">The model for requests that name none.</param>
    /// <exception cref="ArgumentException">The key or the model is blank, or the key cannot be a header.</exception>
    public GeminiChatClient(string apiKey, string model = GeminiOptions.DefaultModel)
        : this(new GeminiOptions { ApiKey = NotBlank(apiKey), Model = model })
    {
    }

    /// <summary>Creates a client from options.</summary>
    /// <param name="options">Copied; later changes have no effect.</param>
    /// <param name="http">
    /// The HTTP client to use; it stays the caller's to dispose, and its own <see cref="HttpClient.Timeout"/> (100 seconds unless
    /// changed) applies as well. Null makes one that only <see cref="GeminiOptions.Timeout"/> limits.
    /// </param>
    /// <exception cref="ArgumentException">An option cannot be used.</exception>
    public GeminiChatClient(GeminiOptions options, HttpClient? http = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var copy = options.CheckedCopy();
        _model = copy.Model;
        _transport = new(copy, http);
        _metadata = new("gcp.gemini", copy.Endpoint, copy.Model);
    }

    /// <inheritdoc/>
    /// <exception cref="ModelException">Gemini refused or blocked the request, could not be reached, or answered nothing usable.</exception>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var request = GeminiRequest.Create(messages, options, _model);
        var reply = new GeminiReply(request);
        var contents = reply.Read(await _transport.SendAsync(request, cancellationToken).ConfigureAwait(false), annotate: true);
        reply.Complete(isStream: false);
        return new(new ChatMessage(ChatRole.Assistant, contents) { MessageId = reply.ResponseId, CreatedAt = reply.CreatedAt })
        {
            ResponseId = reply.ResponseId,
            ModelId = reply.ModelId ?? request.Model,
            CreatedAt = reply.CreatedAt,
            FinishReason = reply.FinishReason,
            Usage = reply.Usage,
            AdditionalProperties = reply.Properties,
        };
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Usage, finish reason and additional properties come with the last update only. A stream that breaks off throws after the
    /// updates it had; they are not an answer.
    /// </remarks>
    /// <exception cref="ModelException">Gemini refused or blocked the request, could not be reached, or broke off.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var request = GeminiRequest.Create(messages, options, _model);
        var reply = new GeminiReply(request);
        await foreach (JsonElement chunk in _transport.StreamAsync(request, cancellationToken).ConfigureAwait(false))
        {
            var contents = reply.Read(chunk, annotate: false);
            if (contents.Count > 0)
                yield return Update(contents, reply.ResponseId);
        }

        reply.Complete(isStream: true);
        // Without a message id, so that the properties land on the response and not in the history.
        var last = Update(reply.Usage is { } usage ? [new UsageContent(usage)] : [], messageId: null);
        last.FinishReason = reply.FinishReason;
        last.AdditionalProperties = reply.Properties;
        yield return last;

        ChatResponseUpdate Update(IList<AIContent> contents, string? messageId) => new(ChatRole.Assistant, contents)
        {
            MessageId = messageId,
            ResponseId = reply.ResponseId,
            ModelId = reply.ModelId ?? request.Model,
            CreatedAt = reply.CreatedAt,
        };
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Closes the connections that the client opened; an HTTP client that was given stays open.</summary>
    public void Dispose() => _transport.Dispose();

    private static string NotBlank(string apiKey)
    {
        // Not ThrowIfNullOrWhiteSpace on the value's own expression: the text must never hold what was passed.
        if (string.IsNullOrWhiteSpace(apiKey))
            throw new ArgumentException("The key is blank. Set GEMINI_API_KEY to a key of Google AI Studio.", nameof(apiKey));
        return apiKey;
    }
}
