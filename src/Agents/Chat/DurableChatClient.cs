using Granary.Engine;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>Makes a step of a model call. Outside of a run it is the client it wraps.</summary>
internal sealed class DurableChatClient(IChatClient inner) : DelegatingChatClient(inner)
{
    /// <summary>Asks the model as a step under a key that the caller took.</summary>
    /// <param name="flow">The run.</param>
    /// <param name="key">The step's place.</param>
    /// <param name="call">Name, retries and limit.</param>
    /// <param name="request">What is sent.</param>
    /// <param name="isStreaming">Whether the model is streamed inside of the step, so that a long call keeps flowing. The record is the same.</param>
    public Task<ChatResponse> AskAsync(RunFlow flow, StepKey key, ModelCallOptions call, ModelRequest request, bool isStreaming) =>
        flow.Engine.RunStepAsync(new StepCall<ChatResponse>(
            StepKinds.Llm, call.Name,
            step => isStreaming
                ? InnerClient.GetStreamingResponseAsync(request.Messages, request.Options, step.CancellationToken).ToChatResponseAsync(step.CancellationToken)
                : InnerClient.GetResponseAsync(request.Messages, request.Options, step.CancellationToken),
            new StepOptions { Retry = ModelFailures.Complete(call.Retry), Timeout = call.Timeout == Timeout.InfiniteTimeSpan ? null : call.Timeout })
        {
            Key = key,
            Fingerprint = request.Fingerprint(),
            Input = request.Input(),
            Json = AgentJson.Options,
            Remote = call.Remote is { } at ? new RemoteCall(AgentActivities.ModelOf(at.Agent), at.Role, () => request.ToSend(at.Model, isStreaming)) : null,
        });
}

/// <summary>How a model is called.</summary>
internal readonly record struct ModelCallOptions(string Name, RetryOptions Retry, TimeSpan Timeout)
{
    /// <summary>Where, unless it is here.</summary>
    public RemoteModel? Remote { get; init; }
}

/// <summary>An agent's model on silos of a role.</summary>
internal sealed record RemoteModel(string Agent, string Role, string? Model);
