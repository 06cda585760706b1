using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Agents;

/// <summary>Works on one question inside of a run.</summary>
internal sealed class AgentRunner(AgentRegistry registry, AgentModels models)
{
    public static Task<AgentReply> RunAsync(WorkflowContext ctx, string agent, AgentCall call, CancellationToken cancellationToken = default) =>
        Of(ctx, agent).AnswerAsync(ctx, agent, call, cancellationToken);

    /// <summary>Refuses what can't be asked, before the question takes a place in the run.</summary>
    public static void Check(WorkflowContext ctx, string agent, AgentCall call)
    {
        var runner = Of(ctx, agent);
        ToolNames.Check(ChatOptionsMerge.Of(runner.Options(agent).Chat, call.Chat, runner.Tools(agent)).Tools);
    }

    private static AgentRunner Of(WorkflowContext ctx, string agent) =>
        ctx.Services.GetService<AgentRunner>() ?? throw AgentRegistry.Unknown(agent, []);

    private AgentOptions Options(string agent) => registry.OptionsOf(registry.Get(agent));

    private IReadOnlyList<AITool> Tools(string agent) => registry.Get(agent).Tools;

    private async Task<AgentReply> AnswerAsync(WorkflowContext ctx, string agent, AgentCall call, CancellationToken cancellationToken)
    {
        var definition = registry.Get(agent);
        var options = registry.OptionsOf(definition);
        var question = new AgentQuestion(agent, options, call.Model ?? options.Model);
        var chat = new AgentChatOptions(ChatOptionsMerge.Of(options.Chat, call.Chat, definition.Tools), question);
        List<ChatMessage> messages = string.IsNullOrWhiteSpace(options.Instructions) ? [] : [new(ChatRole.System, options.Instructions)];
        messages.AddRange(Questions.Check(call.Messages));

        var client = models.ClientFor(ctx.Services, definition, call.Model ?? options.Model);
        var response = await client.GetResponseAsync(messages, chat, cancellationToken).ConfigureAwait(true);
        var text = response.Messages.LastOrDefault(m => m.Role == ChatRole.Assistant)?.Text ?? "";
        return new(agent, text, [.. response.Messages], UsageOf(question, response.Usage));
    }

    private static Usage UsageOf(AgentQuestion question, UsageDetails? usage) => new(
        question.ModelCalls, usage?.InputTokenCount ?? 0, usage?.CachedInputTokenCount ?? 0,
        usage?.OutputTokenCount ?? 0, usage?.ReasoningTokenCount ?? 0, Cost: null);
}
