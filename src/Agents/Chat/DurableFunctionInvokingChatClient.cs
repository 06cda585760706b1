using System.Diagnostics;
using System.Runtime.CompilerServices;
using Granary.Engine;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Granary.Agents;

/// <summary>
/// The loop of model and tool calls, durable inside of a run. It derives from the loop of Microsoft.Extensions.AI so that
/// libraries that look for one find it and add none of their own; inside of a run it replaces that loop, whose
/// continuations leave the run's scheduler.
/// </summary>
internal sealed class DurableFunctionInvokingChatClient : FunctionInvokingChatClient
{
    private readonly DurableChatClient _model;
    private readonly DurableChatOptions _options;

    public DurableFunctionInvokingChatClient(DurableChatClient model, DurableChatOptions options, ILoggerFactory? loggers = null, IServiceProvider? services = null)
        : base(model, loggers, services)
    {
        _model = model;
        _options = options;
        AllowConcurrentInvocation = true;
        Activities = model.GetService<ActivitySource>();
    }

    /// <summary>The source of the telemetry client below, if there is one.</summary>
    public ActivitySource? Activities { get; }

    public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (AmbientRun.Current is not { } flow)
            return base.GetResponseAsync(messages, options, cancellationToken);
        var loop = Loop(flow, messages, options, isStreaming: false, cancellationToken);

        // Code above may have left the run's scheduler; every await below must come back to it.
        return flow.Engine.InScopeAsync(flow.Scope, loop.RunAsync);
    }

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return AmbientRun.Current is { } flow
            ? StreamAsync(flow, messages, options, cancellationToken)
            : base.GetStreamingResponseAsync(messages, options, cancellationToken);
    }

    /// <summary>Runs a tool's own code as the base class would, hooks of its users included.</summary>
    public async Task<object?> InvokeToolAsync(FunctionInvocationContext context, CancellationToken cancellationToken)
    {
        CurrentContext = context;
        return await InvokeFunctionAsync(context, cancellationToken).ConfigureAwait(true);
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        RunFlow flow, IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var loop = Loop(flow, messages, options, isStreaming: true, cancellationToken);
        while (true)
        {
            var reply = await flow.Engine.InScopeAsync(flow.Scope, loop.AskModelAsync).ConfigureAwait(true);
            foreach (var update in reply.ToChatResponseUpdates())
                yield return update;
            if (!loop.HasCalls)
                yield break;
            var results = await flow.Engine.InScopeAsync(flow.Scope, loop.RunToolsAsync).ConfigureAwait(true);
            yield return new(results.Role, results.Contents) { MessageId = results.MessageId, ResponseId = results.MessageId, ConversationId = reply.ConversationId };
        }
    }

    private ToolLoop Loop(RunFlow flow, IEnumerable<ChatMessage> messages, ChatOptions? options, bool isStreaming, CancellationToken cancellationToken)
    {
        flow.Engine.Guard();
        ToolNames.Check(options?.Tools);
        var settings = LoopSettings.For(_options, options, MaximumIterationsPerRequest);
        return new(this, _model, flow, settings, messages, options, isStreaming, cancellationToken);
    }
}
