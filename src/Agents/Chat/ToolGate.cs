using System.Text.Json;
using Granary.Engine;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>Asks people about tool calls, and lets pass exactly what they approved.</summary>
/// <param name="engine">The run.</param>
/// <param name="agent">Who calls.</param>
internal sealed class ToolGate(IRunEngine engine, string agent)
{
    private static readonly JsonSerializerOptions _json = AgentJson.Options;

    /// <summary>The approval that a call of the tool needs; null for none.</summary>
    public static ToolApproval? Of(AIFunction tool, ToolOptions options) =>
        options.Approval ?? (tool.GetService(typeof(ApprovalRequiredAIFunction)) is null ? null : new ToolApproval());

    /// <summary>Waits for the answer; the call to make, perhaps with edited arguments, or what the model is told instead.</summary>
    /// <param name="approval">What is asked.</param>
    /// <param name="tool">The tool.</param>
    /// <param name="call">The call as the model asked for it.</param>
    /// <param name="key">The place of the question.</param>
    public async Task<(FunctionCallContent? Call, string? Refusal)> PassAsync(ToolApproval approval, AIFunction tool, FunctionCallContent call, StepKey key)
    {
        var asked = new ToolCall(agent, tool.Name, JsonSerializer.SerializeToElement(call.Arguments ?? new Dictionary<string, object?>(), _json).Deserialize<Dictionary<string, JsonElement>>(_json)!);
        if (approval.When?.Invoke(asked) == false)
            return (call, null);
        var question = approval.Question?.Invoke(asked) ?? $"May {agent} call {tool.Name}?";
        var answer = await engine.RequestApprovalAsync(new ApprovalCall<JsonElement>(tool.Name, question, JsonSerializer.SerializeToElement(asked.Arguments, _json), approval.Options)
        {
            Key = key,
            Json = _json,
            Check = edited => Fault(tool, edited),
        }).ConfigureAwait(true);
        if (!answer.IsApproved)
        {
            var why = answer.Decision == ApprovalDecision.Expired ? "nobody decided in time" : $"{answer.By ?? "a person"} rejected it";
            return (null, $"Not done: {why}{(string.IsNullOrWhiteSpace(answer.Comment) ? "." : $": {answer.Comment}")}");
        }

        // What runs is what was shown: the model's reply is recorded, so this can only differ where somebody changed the journal.
        if (!answer.WasEdited && !CanonicalJson.Write(answer.Arguments).AsSpan().SequenceEqual(CanonicalJson.Write(asked.Arguments)))
        {
            throw new GranaryUsageException("GRN1505", $"Approval '{answer.Id}' was given for other arguments of '{tool.Name}' than the call has.",
                "Ask again: an approval counts for exactly what was shown.");
        }

        return answer.WasEdited ? (new FunctionCallContent(call.CallId, call.Name, Arguments(answer.Arguments)), null) : (call, null);
    }

    private static string? Fault(AIFunction tool, JsonElement edited)
    {
        if (edited.ValueKind != JsonValueKind.Object)
            return "They are no object.";
        try
        {
            ToolParameters.Check(tool, Arguments(edited));
            return null;
        }
        catch (ToolArgumentsException e)
        {
            return e.Message;
        }
    }

    private static Dictionary<string, object?> Arguments(JsonElement json) => json.EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value.Clone());
}
