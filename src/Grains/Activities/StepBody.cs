using System.Diagnostics;
using Granary.Engine;
using Granary.Journal;
using Granary.Runs;
using Microsoft.Extensions.Logging;

namespace Granary.Activities;

/// <summary>Runs one attempt of a step's body on the thread pool, and tells the loop what came of it.</summary>
internal static class StepBody
{
    /// <summary>A body that runs longer than this is shown as running.</summary>
    private static readonly TimeSpan _visibleAfter = TimeSpan.FromSeconds(1);

    /// <summary>How long a body may take to heed its token after its time limit, before it is given up.</summary>
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(1);

    /// <summary>Starts the attempt without the caller's ambient values: a body sees its own step and nothing else.</summary>
    public static void Start<T>(StepSlot<T> slot, RunLoop loop, RunServices shared) =>
        ThreadPool.UnsafeQueueUserWorkItem(static s => _ = RunAsync(s.slot, s.loop, s.shared), (slot, loop, shared), preferLocal: false);

    private static async Task RunAsync<T>(StepSlot<T> slot, RunLoop loop, RunServices shared)
    {
        await shared.Gate.PassAsync().ConfigureAwait(false);
        if (loop.BodyToken.IsCancellationRequested)
        {
            // Lost while the gate was shut, or released while it stood in the queue.
            loop.BodyFailed(slot, new OperationCanceledException(loop.BodyToken));
            return;
        }

        if (slot.Call.Remote is { } remote && shared.Remote.IsElsewhere(remote.Role) && !await HasSiloAsync(slot, loop, shared, remote).ConfigureAwait(false))
            return;
        CrashPoint.At("step: before the body");
        slot.StartedAt = shared.Time.GetUtcNow();
        slot.FirstStart ??= slot.StartedAt;
        slot.Span ??= loop.StartSpan(slot);
        var visibility = new Visibility(slot, loop);
        var timer = shared.Time.CreateTimer(static s => ((Visibility)s!).Show(), visibility, _visibleAfter, Timeout.InfiniteTimeSpan);
        try
        {
            var value = await AttemptAsync(slot, loop, shared).ConfigureAwait(false);
            visibility.End();
            CrashPoint.At("step: after the body");
            var what = $"The outcome of step '{slot.Name}' ({slot.Key})";
            var json = shared.Codec.Values.Write(value, what, slot.Call.Json);

            // The code gets what replay would give it.
            slot.ReadBack = (shared.Codec.Values.ReadBack(value, json, what, slot.Call.Json), true);
            await shared.Writer.RoomAsync().ConfigureAwait(false);
            loop.BodySucceeded(slot, shared.Codec.Encode(json));
        }
        catch (Exception e)
        {
            visibility.End();
            loop.BodyFailed(slot, e);
        }
        finally
        {
            await timer.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Waits until a silo has the role, which is no part of the attempt. False when the run stopped first.</summary>
    private static async Task<bool> HasSiloAsync<T>(StepSlot<T> slot, RunLoop loop, RunServices shared, RemoteCall remote)
    {
        try
        {
            await shared.Remote.FindAsync(remote.Role, waits => loop.BodyWaitsForSilo(slot, waits), loop.BodyToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception e)
        {
            loop.BodyFailed(slot, e);
            return false;
        }
    }

    private static async Task<T> ElsewhereAsync<T>(StepSlot<T> slot, RunLoop loop, RunServices shared, RemoteCall remote, StepContext step)
    {
        var order = new ActivityOrder
        {
            Place = new(loop.Key, slot.Key.Value, loop.Epoch, slot.Attempt),
            Activity = remote.Activity,
            Input = remote.Input(),
            RunId = loop.RunId.Value,
            Name = slot.Name,
            MaxAttempts = step.MaxAttempts,
            IdempotencyKey = step.IdempotencyKey,
            Limit = slot.Call.Options.Timeout,
            TraceParent = Activity.Current?.Id,
        };
        var json = await shared.Remote.RunAsync(order, remote.Role, waits => loop.BodyWaitsForSilo(slot, waits), step.CancellationToken).ConfigureAwait(false);
        return shared.Codec.Values.Read<T>(json, $"The outcome of step '{slot.Name}' ({slot.Key})", slot.Call.Json)!;
    }

    private static async Task<T> AttemptAsync<T>(StepSlot<T> slot, RunLoop loop, RunServices shared)
    {
        var scope = new AttemptServices(shared.Root, shared.StepLogger);
        await using (scope.ConfigureAwait(false))
        {
            var options = slot.Call.Options;

            // Elsewhere the limit counts from when a silo has taken the body.
            var elsewhere = slot.Call.Remote is { } remote && shared.Remote.IsElsewhere(remote.Role) ? remote : null;
            var ownLimit = elsewhere is null ? options.Timeout : null;
            using var cancel = ownLimit is null ? null : CancellationTokenSource.CreateLinkedTokenSource(loop.BodyToken);
            using var timer = ownLimit is { } limit
                ? shared.Time.CreateTimer(static c => Cancel((CancellationTokenSource)c!), cancel, limit, Timeout.InfiniteTimeSpan)
                : null;
            var step = new StepContext
            {
                RunId = loop.RunId,
                Key = slot.Key,
                Name = slot.Name,
                Attempt = slot.Attempt,
                MaxAttempts = options.Retry!.MaxAttempts,
                IdempotencyKey = $"{loop.Key}/{slot.Key.Value}",
                Epoch = loop.Epoch,
                CancellationToken = cancel?.Token ?? loop.BodyToken,
                Services = scope,
                Logger = shared.StepLogger,
            };
            AmbientRun.EnterBody(step);
            Activity.Current = slot.Span;
            using var logScope = step.Logger.BeginScope(new KeyValuePair<string, object>[] { new("RunId", loop.RunId.Value), new("StepKey", slot.Key.Value) });
            var body = elsewhere is null ? slot.Call.Body(step) : ElsewhereAsync(slot, loop, shared, elsewhere, step);
            if (ownLimit is not { } timeout)
                return await body.ConfigureAwait(false);
            try
            {
                return await body.WaitAsync(timeout + _grace, shared.Time, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception e) when (!loop.BodyToken.IsCancellationRequested
                && ((e is TimeoutException && !body.IsCompleted) || (e is OperationCanceledException && cancel!.IsCancellationRequested)))
            {
                throw new AttemptTimeoutException($"The attempt ran past its time limit of {timeout}.");
            }
        }
    }

    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The body ended just before its limit.
        }
    }

    /// <summary>Shows a long body as running, but not behind its outcome.</summary>
    private sealed class Visibility(StepSlot slot, RunLoop loop)
    {
        private readonly Lock _gate = new();
        private bool _hasEnded;

        public void Show()
        {
            lock (_gate)
            {
                if (!_hasEnded)
                    loop.BodyIsLong(slot);
            }
        }

        public void End()
        {
            lock (_gate)
                _hasEnded = true;
        }
    }
}

/// <summary>An attempt ran past its limit; recorded under <c>GRN1302</c>.</summary>
internal sealed class AttemptTimeoutException(string message) : GranaryException("GRN1302", message);
