namespace Granary.Engine;

/// <summary>The kinds of steps, as they are stored.</summary>
internal static class StepKinds
{
    public const string Llm = "llm";
    public const string Tool = "tool";
    public const string Step = "step";
    public const string Timer = "timer";
    public const string Signal = "signal";
    public const string Approval = "approval";
    public const string Event = "event";
    public const string Random = "random";
}
