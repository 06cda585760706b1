using Granary;
using Granary.Journal;
using Microsoft.Extensions.DependencyInjection;

namespace WeatherAgent;

/// <summary>Asks one question in a silo of its own and prints each step.</summary>
internal static class Asking
{
    public static async Task<int> AskAsync(IServiceProvider services, RunId id, Settings settings, CancellationToken cancellationToken)
    {
        var client = services.GetRequiredService<IGranaryClient>();
        var printer = new Printer(settings, Environment.ProcessId, services.GetRequiredService<StoreClock>().Offset);
        var run = await client.Workflow<WeatherWorkflow>().StartAsync(settings.Question, new() { Id = id }, cancellationToken).ConfigureAwait(false);
        printer.Run(run);
        using var watched = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var outage = StoreOutage.WatchAsync(services, watched.Token);
        var watching = WatchAsync(run, printer, new Answering(client, printer), watched.Token);
        if (await Task.WhenAny(watching, outage).ConfigureAwait(false) == outage)
            await outage.ConfigureAwait(false);
        var fromJournal = await watching.ConfigureAwait(false);
        await watched.CancelAsync().ConfigureAwait(false);
        printer.Answer(await run.ResultAsync(cancellationToken).ConfigureAwait(false), fromJournal);
        return ExitCode.Ok;
    }

    /// <summary>Prints each step as it is recorded. Returns whether the end was recorded by an earlier process.</summary>
    private static async Task<bool> WatchAsync(RunHandle run, Printer printer, Answering answering, CancellationToken cancellationToken)
    {
        await foreach (var update in run.WatchAsync(cancellationToken: cancellationToken).ConfigureAwait(false))
        {
            switch (update)
            {
                case StepEnded ended:
                    printer.Step(ended);
                    break;
                case RunStatusChanged { Status: RunStatus.Waiting }:
                    var info = await run.InfoAsync(cancellationToken).ConfigureAwait(false);
                    if (info.WaitingOn == "version")
                        throw new RunWaitsException(info);
                    if (info.WaitingOn == "approval")
                        await answering.BeginAsync(run.Id, cancellationToken).ConfigureAwait(false);
                    break;
                case RunStatusChanged { Status: RunStatus.Succeeded or RunStatus.Failed or RunStatus.Cancelled or RunStatus.Poisoned } end:
                    return printer.IsFromJournal(end);
            }
        }

        return false;
    }
}
