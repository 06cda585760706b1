using Granary;
using Granary.Agents;

namespace WeatherAgent;

/// <summary>One question, one answer. Every model call and every tool call in between is a recorded step.</summary>
/// <param name="wishes">What the command line wants of which run.</param>
[Workflow("weather")]
internal sealed class WeatherWorkflow(RunWishes wishes) : Workflow<string, string>
{
    public override async Task<string> RunAsync(WorkflowContext ctx, string input)
    {
        var answer = (await ctx.Agent("weather").AskAsync(input)).Text;
        return await AnswerApproval.PassAsync(ctx, answer, wishes.AreFor(ctx.RunId) && wishes.Approve);
    }
}

/// <summary>What the command line wants, of the run that it names or of all that a silo executes.</summary>
/// <param name="Run">The run; null for all.</param>
/// <param name="Sleep">How long it sleeps before its second model call.</param>
/// <param name="Approve">Whether it asks for approval of its answer.</param>
internal sealed record RunWishes(RunId? Run, TimeSpan? Sleep, bool Approve)
{
    public bool AreFor(RunId run) => Run is null || Run == run;
}
