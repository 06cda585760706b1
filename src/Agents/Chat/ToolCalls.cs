using System.Runtime.ExceptionServices;
using System.Text.Json;
using Granary.Engine;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>Makes the calls of one reply: all at the same time, keyed by their place in the reply, joined in its order.</summary>
internal sealed class ToolCalls(
    DurableFunctionInvokingChatClient client, RunFlow flow, LoopSettings settings, ChatOptions? options,
    IReadOnlyList<ChatMessage> history, int round, bool isStreaming, CancellationToken cancellationToken)
{
    private readonly TaskCompletionSource _stopped = new();

    public static AIFunctionDeclaration? Find(DurableFunctionInvokingChatClient client, ChatOptions? options, string name) =>
        (options?.Tools ?? []).Concat(client.AdditionalTools ?? []).OfType<AIFunctionDeclaration>()
            .FirstOrDefault(t => string.Equals(t.Name, name, StringComparison.Ordinal));

    public async Task<IReadOnlyList<FunctionResultContent>> RunAsync(StepKey reply, IReadOnlyList<FunctionCallContent> calls)
    {
        // All keys before any start: a provider's call ids may repeat, a place can't.
        var scope = StepScope.Under(reply);
        var keys = calls.Select(_ => scope.Next()).ToList();
        var running = calls.Select((call, index) => RunAsync(call, keys[index], index, calls.Count)).ToList();
        var all = Task.WhenAll(running);

        // What stops the run doesn't wait for the siblings: the engine may never answer them.
        await (await Task.WhenAny(all, _stopped.Task).ConfigureAwait(true)).ConfigureAwait(true);
        var outcomes = await all.ConfigureAwait(true);
        if (settings.OnToolFailure == ToolFailure.FailRun && outcomes.FirstOrDefault(o => o.IsFailureOfTool) is { } failed)
            ExceptionDispatchInfo.Throw(failed.Result.Exception!);
        return [.. outcomes.Select(o => o.Result)];
    }

    private async Task<Outcome> RunAsync(FunctionCallContent call, StepKey key, int index, int count)
    {
        if (Find(client, options, call.Name) is not AIFunction tool)
            return new(new(call.CallId, $"Error: Requested function \"{call.Name}\" not found."), false);
        try
        {
            var toolOptions = ConfiguredTool.OptionsOf(tool, settings.ConfigureTool);
            var scope = StepScope.Under(key);
            if (ToolGate.Of(tool, toolOptions) is { } approval)
            {
                var (approved, refusal) = await new ToolGate(flow.Engine, settings.Agent ?? settings.Model.Name).PassAsync(approval, tool, call, scope.Next()).ConfigureAwait(true);
                if (approved is null)
                    return new(new(call.CallId, refusal), false);
                call = approved;
            }

            var json = await InvokeAsync(tool, toolOptions, call, key, scope, index, count).ConfigureAwait(true);
            return new(ToContent(call, ToolResults.Read(json)), false);
        }
        catch (Exception e) when (!StopsTheRun(e))
        {
            return Failed(call, e);
        }
        catch (Exception e)
        {
            _stopped.TrySetException(e);
            throw;
        }
    }

    private async Task<JsonElement> InvokeAsync(AIFunction tool, ToolOptions toolOptions, FunctionCallContent call, StepKey key, StepScope scope, int index, int count)
    {
        var body = new ToolBody(client, tool, call, options, history, round, index, count, isStreaming);
        switch (toolOptions.Execution)
        {
            case ToolExecution.Step:
                var arguments = JsonSerializer.SerializeToUtf8Bytes(call.Arguments, AgentJson.Options);
                return await flow.Engine.RunStepAsync(new StepCall<JsonElement>(StepKinds.Tool, tool.Name, body.RunAsync, settings.StepOptionsOf(toolOptions))
                {
                    Key = key,
                    Fingerprint = CanonicalJson.Write(call.Arguments),
                    Input = arguments,
                    Json = AgentJson.Options,
                    Remote = RemoteOf(toolOptions, tool, arguments),
                }).ConfigureAwait(true);
            case ToolExecution.Workflow:
                return await flow.Engine.InScopeAsync(scope, () => body.RunAsync(flow.Engine.Services, flow.Engine.CancellationToken)).ConfigureAwait(true);
            default:
                return await body.RunAsync(flow.Engine.Services, flow.Engine.CancellationToken).ConfigureAwait(true);
        }
    }

    /// <exception cref="GranaryUsageException"><c>GRN2013</c>: silos of the role wouldn't know the tool.</exception>
    private RemoteCall? RemoteOf(ToolOptions toolOptions, AIFunction tool, byte[] arguments)
    {
        if (toolOptions.RunOn is not { } role)
            return null;
        if (settings.Agent is not { } agent)
        {
            throw new GranaryUsageException("GRN2013", $"The tool '{tool.Name}' is to run on silos of the role '{role}', but it belongs to no agent by which they would know it.",
                "Add it to an agent with AddTool() or AddTools(), or take RunOn away.");
        }

        return new RemoteCall(AgentActivities.ToolOf(agent, tool.Name), role, () => arguments);
    }

    /// <summary>Whether an exception is no failure of the tool: it must reach the engine, never the model.</summary>
    private bool StopsTheRun(Exception e) =>
        flow.Engine.IsControlFlow(e)
        || e is GranaryUsageException or PayloadException
        || (e is OperationCanceledException && (flow.Engine.CancellationToken.IsCancellationRequested || cancellationToken.IsCancellationRequested));

    /// <summary>What the model is told of a failure: made of what is recorded, so that it is the same on replay.</summary>
    private Outcome Failed(FunctionCallContent call, Exception e)
    {
        var message = e is StepFailedException failed ? failed.Error.Message : e.Message;
        var isMistakeOfModel = e is ToolArgumentsException || e is StepFailedException step && step.Is<ToolArgumentsException>();
        var text = isMistakeOfModel ? $"Error: {message}"
            : client.IncludeDetailedErrors ? $"Error: Function failed. Exception: {message}"
            : "Error: Function failed.";
        return new(new(call.CallId, text) { Exception = e }, !isMistakeOfModel);
    }

    private static FunctionResultContent ToContent(FunctionCallContent call, object? result) =>
        result is FunctionResultContent ready && ready.CallId == call.CallId ? ready : new(call.CallId, result ?? "Success: Function completed.");

    private sealed record Outcome(FunctionResultContent Result, bool IsFailureOfTool);
}
