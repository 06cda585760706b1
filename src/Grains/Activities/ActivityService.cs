using Granary.Runs;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace Granary.Activities;

/// <inheritdoc cref="IActivityService"/>
internal sealed class ActivityService(GrainId id, Silo silo, ILoggerFactory loggers, RunServices shared, ActivityWorks works)
    : GrainService(id, silo, loggers), IActivityService
{
    private static readonly TimeSpan _look = TimeSpan.FromSeconds(5);

    private ITimer? _watch;

    public override Task Start()
    {
        _watch = shared.Time.CreateTimer(static s => ((ActivityWorks)s!).CancelAbandoned(), works, _look, _look);
        return base.Start();
    }

    public override Task Stop()
    {
        _watch?.Dispose();
        works.CancelAll();
        return base.Stop();
    }

    public Task<bool> StartAsync(ActivityOrder order) => Task.FromResult(works.Start(order));

    public Task<ActivityReport?> BeatAsync(ActivityPlace place, TimeSpan wait) => works.BeatAsync(place, wait);

    public Task ForgetAsync(ActivityPlace place)
    {
        works.Forget(place);
        return Task.CompletedTask;
    }
}
