using Granary.Engine;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Agents;

/// <summary>An agent whose questions are runs of its own workflow.</summary>
internal sealed class AgentByClient(IGranaryClient client, string name) : AgentHandle(name)
{
    public override async Task<AgentReply> AskAsync(IEnumerable<ChatMessage> messages, AskOptions? options = null, CancellationToken cancellationToken = default)
    {
        AgentDefinition.CheckName(Name);
        var call = new AgentCall { Agent = Name, Messages = Questions.Check(messages), Model = options?.Model, Chat = options?.Chat };
        if (call.Chat is { } chat && (chat.Tools is { Count: > 0 } || chat.RawRepresentationFactory is not null))
        {
            throw new GranaryUsageException("GRN2008", "The options of this question hold tools or delegates, which can't be stored with its run.",
                "Add the tools to the agent with AddTool(), or ask from workflow code.");
        }

        // Only a process that hosts agents can tell that a name is wrong; elsewhere the run waits, visibly, for one that has it.
        if ((client as IServicesSource)?.Services.GetService<AgentRegistry>() is { } registry)
            registry.Get(Name);
        var id = options?.IdempotencyKey is { } key ? new RunId(key) : (RunId?)null;
        return await client.Workflow<AgentCall, AgentReply>(AgentDefinition.WorkflowOf(Name))
            .RunAsync(call, new RunOptions { Id = id }, cancellationToken).ConfigureAwait(true);
    }
}
