using Granary.Engine;

namespace Granary.Agents;

/// <summary>Asks a person before an answer is sent. A process that goes on with a run that has asked needn't be told again.</summary>
internal static class AnswerApproval
{
    public static async Task<string> PassAsync(WorkflowContext ctx, string answer, bool isAsked)
    {
        if (!isAsked && !ctx.Engine.HasRecordedNext(StepKinds.Approval))
            return answer;
        var approval = await ctx.RequestApprovalAsync("Send this answer?", answer, new() { AllowEdits = true }).ConfigureAwait(true);
        return approval.IsApproved ? approval.Arguments : $"Not sent: {approval.Decision.ToString().ToLowerInvariant()}{(approval.Comment is null ? "" : $", {approval.Comment}")}.";
    }
}
