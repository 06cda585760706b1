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
        CrashPoint.At("step: before the body");
        slot.StartedAt = shared.Time.GetUtcNow();
        slot.FirstStart ??= slot.StartedAt;
        slot.Span ??= loop.StartSpan(slot);
        var visible = shared.Time.CreateTimer(static s => ((Visibility)s!).Show(), new Visibility(slot, loop), _visibleAfter, Timeout.InfiniteTimeSpan);
        try
        {
            var value = await AttemptAsync(slot, loop, shared).ConfigureAwait(false);
            visible.Dispose();
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
            visible.Dispose();
            loop.BodyFailed(slot, e);
        }
    }

    private static async Task<T> AttemptAsync<T>(StepSlot<T> slot, RunLoop loop, RunServices shared)
    {
        var scope = new AttemptServices(shared.Root, shared.StepLogger);
        await using (scope.ConfigureAwait(false))
        {
            var options = slot.Call.Options;
            using var cancel = options.Timeout is null ? null : CancellationTokenSource.CreateLinkedTokenSource(loop.BodyToken);
            using var timer = options.Timeout is { } limit
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
            var body = slot.Call.Body(step);
            if (options.Timeout is not { } timeout)
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

    private sealed record Visibility(StepSlot Slot, RunLoop Loop)
    {
        public void Show() => Loop.BodyIsLong(Slot);
    }
}

/// <summary>An attempt ran past its limit; recorded under <c>GRN1302</c>.</summary>
internal sealed class AttemptTimeoutException(string message) : GranaryException("GRN1302", message);
