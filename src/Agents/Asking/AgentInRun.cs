using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>An agent whose questions are branches of the run that asks.</summary>
internal sealed class AgentInRun(WorkflowContext ctx, string name) : AgentHandle(name)
{
    public override async Task<AgentReply> AskAsync(IEnumerable<ChatMessage> messages, AskOptions? options = null, CancellationToken cancellationToken = default)
    {
        ctx.Engine.Guard();
        var call = new AgentCall { Agent = Name, Messages = Questions.Check(messages), Model = options?.Model, Chat = options?.Chat };
        AgentRunner.Check(ctx, Name, call);

        // A scope of its own, numbered here: agents that are asked at the same time keep their steps apart.
        return await ctx.BranchAsync(Name, () => AgentRunner.RunAsync(ctx, Name, call, cancellationToken)).ConfigureAwait(true);
    }
}
