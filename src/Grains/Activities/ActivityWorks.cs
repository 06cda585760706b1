using System.Diagnostics;
using Granary.Engine;
using Granary.Runs;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace Granary.Activities;

/// <summary>The bodies that this silo runs for runs of others. Thread-safe.</summary>
internal sealed partial class ActivityWorks(RunServices shared, IEnumerable<IActivityCatalog> catalogs, ILogger<ActivityWorks> logger)
{
    private readonly Lock _gate = new();
    private bool _isStopped;
    private readonly Dictionary<(long RunKey, string StepKey), Work> _works = [];

    /// <summary>How long a sender may be silent before its body is cancelled.</summary>
    internal static TimeSpan Silence { get; } = TimeSpan.FromSeconds(90);

    /// <summary>Cancels everything: the silo stops.</summary>
    public void CancelAll()
    {
        lock (_gate)
        {
            _isStopped = true;
            foreach (var work in _works.Values)
                work.Cancel();
            _works.Clear();
        }
    }

    /// <summary>Begins a body; false when a later claim's or attempt's order is there.</summary>
    public bool Start(ActivityOrder order)
    {
        var key = KeyOf(order.Place);
        Work work;
        lock (_gate)
        {
            if (_isStopped)
                throw new SiloUnavailableException("This silo stops.");
            if (_works.TryGetValue(key, out var there))
            {
                if (there.Order.Place == order.Place)
                {
                    there.LastBeat = shared.Time.GetTimestamp();
                    return true;
                }

                if (order.Place.IsOlderThan(there.Order.Place))
                    return false;
                there.Cancel();
            }

            _works[key] = work = new Work(order, shared.Time);
        }

        ThreadPool.UnsafeQueueUserWorkItem(static s => _ = s.self.RunAsync(s.work), (self: this, work), preferLocal: false);
        return true;
    }

    /// <summary>Hears the sender, and waits for the outcome; null while the body runs.</summary>
    public async Task<ActivityReport?> BeatAsync(ActivityPlace place, TimeSpan wait)
    {
        if (Find(place) is not { } work)
            return ActivityReport.Unknown;
        work.LastBeat = shared.Time.GetTimestamp();
        try
        {
            return await work.Report.WaitAsync(wait, shared.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    /// <summary>Cancels what still runs, and forgets it.</summary>
    public void Forget(ActivityPlace place)
    {
        if (Find(place) is { } work)
            Remove(work);
    }

    /// <summary>The work of exactly this place; an older one at the same step is stopped, for its sender has lost the run.</summary>
    private Work? Find(ActivityPlace place)
    {
        Work? work;
        lock (_gate)
            work = _works.GetValueOrDefault(KeyOf(place));
        if (work is not null && work.Order.Place.IsOlderThan(place))
            Remove(work);
        return work?.Order.Place == place ? work : null;
    }

    private void Remove(Work work)
    {
        lock (_gate)
        {
            if (_works.GetValueOrDefault(KeyOf(work.Order.Place)) == work)
                _works.Remove(KeyOf(work.Order.Place));
        }

        work.Cancel();
    }

    /// <summary>Cancels the bodies whose sender has been silent for too long.</summary>
    public void CancelAbandoned()
    {
        List<Work> abandoned;
        lock (_gate)
            abandoned = [.. _works.Values.Where(w => shared.Time.GetElapsedTime(w.LastBeat) > Silence)];
        foreach (var work in abandoned)
        {
            LogAbandoned(work.Order.Name, work.Order.RunId, Silence.TotalSeconds);
            Remove(work);
        }
    }

    private async Task RunAsync(Work work)
    {
        var order = work.Order;
        var activity = catalogs.Select(c => c.Find(order.Activity)).FirstOrDefault(a => a is not null);
        try
        {
            await shared.Gate.PassAsync().ConfigureAwait(false);
            work.Token.ThrowIfCancellationRequested();
            if (activity is null)
                throw new GranaryException("GRN1306", $"The step '{order.Name}' of run '{order.RunId}' was sent to a silo that doesn't have it.", "Run the same build on all silos of a role.");
            CrashPoint.At("activity: before the body");
            work.Complete(new ActivityReport { Output = await InvokeAsync(activity, work).ConfigureAwait(false) });
        }
        catch (Exception e)
        {
            // A body that is cut off because its silo stops is sent to another one.
            work.Complete(shared.Stopping.IsCancellationRequested ? ActivityReport.Unknown : new ActivityReport
            {
                Error = RunHistory.WriteError(RunErrors.Describe(e)),
                IsTerminal = RetryPlan.IsTerminal(e),
                IsTransient = activity?.IsTransient(e) ?? false,
                RetryAfter = activity?.RetryAfter(e),
            });
        }
    }

    private async Task<byte[]> InvokeAsync(NamedActivity activity, Work work)
    {
        var order = work.Order;
        using var span = GranaryTelemetry.Source.StartActivity($"activity {order.Name}", ActivityKind.Internal, order.TraceParent);
        span?.SetTag("granary.run.id", order.RunId).SetTag("granary.step.key", order.Place.StepKey);
        var scope = new AttemptServices(shared.Root, shared.StepLogger);
        await using (scope.ConfigureAwait(false))
        {
            var step = new StepContext
            {
                RunId = new RunId(order.RunId),
                Key = new StepKey(order.Place.StepKey),
                Name = order.Name,
                Attempt = order.Place.Attempt,
                MaxAttempts = order.MaxAttempts,
                IdempotencyKey = order.IdempotencyKey,
                Epoch = order.Place.Epoch,
                CancellationToken = work.Token,
                Services = scope,
                Logger = shared.StepLogger,
            };
            AmbientRun.EnterBody(step);
            using var logScope = step.Logger.BeginScope(new KeyValuePair<string, object>[] { new("RunId", order.RunId), new("StepKey", order.Place.StepKey) });
            try
            {
                return await activity.Body(step, order.Input).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                span?.SetStatus(ActivityStatusCode.Error, e.GetType().FullName);
                throw;
            }
        }
    }

    private static (long RunKey, string StepKey) KeyOf(ActivityPlace place) => (place.RunKey, place.StepKey);

    [LoggerMessage(1301, LogLevel.Warning, "The step '{Name}' of run '{RunId}' is cancelled here: the silo that sent it hasn't been heard of for {Seconds:F0} s.")]
    private partial void LogAbandoned(string name, string runId, double seconds);

    /// <summary>A body that runs here for a run of another silo.</summary>
    private sealed class Work(ActivityOrder order, TimeProvider time)
    {
        /// <summary>The sender's limit decides; this ends what nobody waits for any more.</summary>
        private static readonly TimeSpan _backstop = TimeSpan.FromSeconds(5);

        private readonly TaskCompletionSource<ActivityReport> _report = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly CancellationTokenSource _stop = order.Limit is { } limit ? new(limit + _backstop, time) : new();
        private long _lastBeat = time.GetTimestamp();

        public ActivityOrder Order { get; } = order;

        public CancellationToken Token => _stop.Token;

        public Task<ActivityReport> Report => _report.Task;

        public long LastBeat
        {
            get => Volatile.Read(ref _lastBeat);
            set => Volatile.Write(ref _lastBeat, value);
        }

        public void Complete(ActivityReport report) => _report.TrySetResult(report);

        /// <summary>Tells the body to stop; off this thread, for its callbacks are the user's.</summary>
        public void Cancel()
        {
            _report.TrySetResult(ActivityReport.Unknown);
            _ = CancelAsync();
        }

        private async Task CancelAsync()
        {
            try
            {
                await _stop.CancelAsync().ConfigureAwait(false);
            }
            catch (AggregateException)
            {
                // What a body's callbacks throw is theirs.
            }
        }
    }
}
