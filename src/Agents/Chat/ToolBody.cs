using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>The work of one tool call.</summary>
internal sealed class ToolBody(
    DurableFunctionInvokingChatClient client, AIFunction tool, FunctionCallContent call, ChatOptions? options,
    IReadOnlyList<ChatMessage> history, int round, int index, int count, bool isStreaming)
{
    public Task<JsonElement> RunAsync(StepContext step) => RunAsync(step.Services, step.CancellationToken);

    public async Task<JsonElement> RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        // Here and not around the step, so that a replayed call leaves no span.
        using var activity = client.Activities?.StartActivity($"execute_tool {tool.Name}");
        activity?.SetTag("gen_ai.operation.name", "execute_tool").SetTag("gen_ai.tool.name", tool.Name)
            .SetTag("gen_ai.tool.type", "function").SetTag("gen_ai.tool.call.id", call.CallId);
        try
        {
            ToolParameters.Check(tool, call.Arguments);
            var context = new FunctionInvocationContext
            {
                Function = tool,

                // Copies: neither a later attempt nor the next round may see what a body changed, a replay would not.
                Arguments = new(new Dictionary<string, object?>(call.Arguments ?? new Dictionary<string, object?>())) { Services = services },
                CallContent = call,
                Messages = [.. history],
                Options = options?.Clone(),
                Iteration = round,
                FunctionCallIndex = index,
                FunctionCount = count,
                IsStreaming = isStreaming,
            };
            return ToolResults.Write(await client.InvokeToolAsync(context, cancellationToken).ConfigureAwait(true));
        }
        catch (Exception e)
        {
            activity?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", e.GetType().FullName);
            throw;
        }
    }
}
