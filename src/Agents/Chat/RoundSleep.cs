using Granary.Engine;

namespace Granary.Agents;

/// <summary>A durable sleep before a model call, for a run that asked for one. A process that goes on with such a run needn't be told again.</summary>
internal static class RoundSleep
{
    public static Task BeforeSecondCallAsync(WorkflowContext ctx, int call, TimeSpan? sleep) =>
        call == 1 && (sleep is not null || ctx.Engine.HasRecordedNext(StepKinds.Timer)) ? ctx.SleepAsync(sleep ?? TimeSpan.Zero) : Task.CompletedTask;
}
