using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>The chosen model, chosen at the first call. So nothing waits for it in workflow code, where waiting must be a step.</summary>
internal sealed class ChosenChatClient(ModelChoice choice) : IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var model = await choice.ChooseAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        return await model.Client.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var model = await choice.ChooseAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        await foreach (var update in model.Client.GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false))
            yield return update;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : choice.Made?.Client.GetService(serviceType, serviceKey);

    public void Dispose()
    {
        // The choice owns the model.
    }
}
