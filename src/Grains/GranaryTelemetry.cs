using System.Diagnostics;

namespace Granary;

/// <summary>The activity source of runs and steps. A replayed step makes no span.</summary>
internal static class GranaryTelemetry
{
    public const string SourceName = "Granary";

    public static ActivitySource Source { get; } = new(SourceName, typeof(GranaryTelemetry).Assembly.GetName().Version?.ToString(3));
}
