using System.Collections.Concurrent;
using System.Diagnostics;

namespace Granary.Tests.Hosting;

/// <summary>The spans of Granary that end while this lives.</summary>
internal sealed class TestSpans : IDisposable
{
    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly ActivityListener _listener;

    public TestSpans()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Granary",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public IReadOnlyList<Activity> Of(RunId run) => [.. _ended.Where(a => (string?)a.GetTagItem("granary.run.id") == run.Value)];

    public void Dispose() => _listener.Dispose();
}
