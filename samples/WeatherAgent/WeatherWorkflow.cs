using Granary;

namespace WeatherAgent;

/// <summary>One question, one answer. Every model call and every tool call in between is a recorded step.</summary>
[Workflow("weather")]
internal sealed class WeatherWorkflow : Workflow<string, string>
{
    public override async Task<string> RunAsync(WorkflowContext ctx, string input) => (await ctx.Agent("weather").AskAsync(input)).Text;
}
