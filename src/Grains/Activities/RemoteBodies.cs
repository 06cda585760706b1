using Granary.Runs;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace Granary.Activities;

/// <summary>
/// Has bodies run on silos of a role: sends the order, beats until the outcome is there, and sends it again, under the
/// same key, when that silo dies or has forgotten it.
/// </summary>
internal sealed partial class RemoteBodies(SiloRoles roles, ActivityServiceClient services, TimeProvider time, ILogger<RemoteBodies> logger)
{
    /// <summary>One wait for the outcome: below Orleans' response timeout, and often enough to be heard.</summary>
    private static readonly TimeSpan _wait = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Whether this silo lacks the role.</summary>
    public bool IsElsewhere(string role) => !roles.IsOwn(role);

    /// <summary>Completes when some silo has the role.</summary>
    /// <param name="role">The role.</param>
    /// <param name="waits">Told of true before a wait, and of false after it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<SiloAddress> FindAsync(string role, Action<bool> waits, CancellationToken cancellationToken)
    {
        if (roles.Pick(role) is { } at)
            return at;
        LogNobody(role);
        waits(true);
        try
        {
            while (true)
            {
                await Task.Delay(_pause, time, cancellationToken).ConfigureAwait(false);
                if (roles.Pick(role) is { } silo)
                    return silo;
            }
        }
        finally
        {
            waits(false);
        }
    }

    /// <summary>Runs a body and returns its outcome's JSON.</summary>
    /// <exception cref="ActivityFailedException">It failed.</exception>
    public async Task<byte[]> RunAsync(ActivityOrder order, string role, Action<bool> waits, CancellationToken cancellationToken)
    {
        SiloAddress? silo = null;
        while (true)
        {
            if (silo is null || !roles.Has(silo, role))
                silo = await FindAsync(role, waits, cancellationToken).ConfigureAwait(false);
            try
            {
                if (await AskAsync(services.On(silo), order, cancellationToken).ConfigureAwait(false) is { } report)
                    return report.Error is null ? report.Output! : throw new ActivityFailedException(RunHistory.ReadError(report.Error), report.IsTerminal, report.IsTransient, report.RetryAfter);
            }
            catch (Exception e) when (e is OrleansException or TimeoutException && !cancellationToken.IsCancellationRequested)
            {
                // While the members call that silo alive it is asked again: the body may run there.
                LogTrouble(e, order.Name, order.RunId, silo);
            }

            await Task.Delay(_pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Null when the order must be sent again.</summary>
    private async Task<ActivityReport?> AskAsync(IActivityService service, ActivityOrder order, CancellationToken cancellationToken)
    {
        try
        {
            // A later claim's order is there: this activation has lost its run, which it will learn from its next append.
            if (!await service.StartAsync(order).WaitAsync(cancellationToken).ConfigureAwait(false))
                throw new OperationCanceledException($"Step '{order.Name}' of run '{order.RunId}' is run for another activation.");

            // From here on the attempt's time counts: what passed before, and what a silo's death cost, is nobody's fault.
            var begun = time.GetTimestamp();
            while (true)
            {
                var left = order.Limit - time.GetElapsedTime(begun);
                if (left <= TimeSpan.Zero)
                {
                    _ = ForgetAsync(service, order);
                    throw new AttemptTimeoutException($"The attempt ran past its time limit of {order.Limit}.");
                }

                var report = await service.BeatAsync(order.Place, left < _wait ? left.Value : _wait).WaitAsync(cancellationToken).ConfigureAwait(false);
                if (report is null)
                    continue;
                _ = ForgetAsync(service, order);
                return report.IsUnknown ? null : report;
            }
        }
        catch (OperationCanceledException)
        {
            _ = ForgetAsync(service, order);
            throw;
        }
    }

    private async Task ForgetAsync(IActivityService service, ActivityOrder order)
    {
        try
        {
            await service.ForgetAsync(order.Place).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Without a heartbeat it is cancelled there soon.
            LogNotForgotten(e, order.Name, order.RunId);
        }
    }

    [LoggerMessage(1311, LogLevel.Warning, "No silo has the role '{Role}': steps that ask for it wait.")]
    private partial void LogNobody(string role);

    [LoggerMessage(1312, LogLevel.Warning, "Silo {Silo} doesn't answer for step '{Name}' of run '{RunId}'; it is asked again, or another one.")]
    private partial void LogTrouble(Exception exception, string name, string runId, SiloAddress silo);

    [LoggerMessage(1313, LogLevel.Debug, "Step '{Name}' of run '{RunId}' couldn't be called off.")]
    private partial void LogNotForgotten(Exception exception, string name, string runId);
}
