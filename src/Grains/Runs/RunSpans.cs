using System.Diagnostics;
using Granary.Journal;

namespace Granary.Runs;

/// <summary>The spans of one activation of a run: its own, and one an attempt. A step that is answered from its record has none.</summary>
internal sealed class RunSpans(RunRow row)
{
    private Activity? _run;

    /// <summary>Begins the activation's span; called where the run's code begins, so that it is current there.</summary>
    public void Start(int epoch)
    {
        ActivityContext.TryParse(row.TraceParent, null, out var parent);
        Activity.Current = null;
        _run = GranaryTelemetry.Source.StartActivity($"run {row.Workflow}", ActivityKind.Internal, parent);
        _run?.SetTag("granary.run.id", row.Id).SetTag("granary.workflow", row.Workflow).SetTag("granary.epoch", epoch).SetTag("granary.version", row.Version);
    }

    public Activity? StartStep(StepSlot slot)
    {
        var span = GranaryTelemetry.Source.StartActivity($"step {slot.Name}", ActivityKind.Internal, _run?.Context ?? default);
        if (span is { IsAllDataRequested: true })
        {
            span.SetTag("granary.run.id", row.Id);
            span.SetTag("granary.step.key", slot.Key.Value);
            span.SetTag("granary.step.kind", slot.Kind);
        }

        return span;
    }

    /// <summary>Ends a step's span, if it has one; without an outcome it was cut off.</summary>
    public static void EndStep(StepSlot slot, JournalRow? outcome)
    {
        if (slot.Span is not { } span)
            return;
        slot.Span = null;
        span.SetTag("granary.step.attempt", slot.Attempt);
        if (outcome is null)
            span.SetStatus(ActivityStatusCode.Unset, "cut off");
        else if (outcome.Kind == FactKind.StepFailed)
            span.SetStatus(ActivityStatusCode.Error);
        span.Dispose();
    }

    /// <summary>How the run ended, or that this activation left it.</summary>
    public void Tell(RunStatus status)
    {
        _run?.SetTag("granary.run.status", status.ToString().ToLowerInvariant());
        if (status == RunStatus.Failed)
            _run?.SetStatus(ActivityStatusCode.Error);
    }

    public void End() => _run?.Dispose();
}
