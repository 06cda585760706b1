using System.Runtime.InteropServices;
using Granary;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace WeatherAgent;

/// <summary>One run of the program: asks, serves, or starts runs from outside; and what it exits with.</summary>
internal static class Session
{
    public static async Task<int> RunAsync(Settings settings)
    {
        using var interrupted = new CancellationTokenSource();
        var isTerminated = false;
        void Interrupt(PosixSignalContext context)
        {
            context.Cancel = true;
            isTerminated |= context.Signal == PosixSignal.SIGTERM;
            interrupted.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        try
        {
            if (string.IsNullOrWhiteSpace(settings.Question))
                return CommandLine.Refuse("The question is empty.");
            if (Effects.Problem(settings.Effects) is { } problem)
                return CommandLine.Refuse(problem);
            var id = settings.Id is null ? new RunId(Guid.CreateVersion7().ToString()) : new RunId(settings.Id);
            using var host = settings.Start is null ? Hosts.Silo(settings, id) : Hosts.Client(settings);
            await host.StartAsync(interrupted.Token).ConfigureAwait(false);
            try
            {
                return settings switch
                {
                    { Serve: true } => await Serving.StayAsync(host.Services, settings, interrupted.Token).ConfigureAwait(false),
                    { Start: { } count } => await Starting.StartAsync(host.Services, count, settings, interrupted.Token).ConfigureAwait(false),
                    _ => await Asking.AskAsync(host.Services, id, settings, interrupted.Token).ConfigureAwait(false),
                };
            }
            finally
            {
                await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
        {
            // To a silo that stays, SIGTERM is the end it was started for.
            return settings.Serve && isTerminated ? ExitCode.Ok : ExitCode.Interrupted;
        }
        catch (OptionsValidationException e)
        {
            return Report(new GranaryUsageException("GRN1902", string.Join(" ", e.Failures)), settings);
        }
        catch (Exception e)
        {
            return Report(e, settings);
        }
    }

    public static int Report(Exception e, Settings settings)
    {
        var granary = e as GranaryException ?? e.InnerException as GranaryException;
        var text = granary?.Message ?? (e is RunWaitsException ? e.Message : $"GRN9902: {e.GetType().Name}: {e.Message}");
        Console.Error.WriteLine(settings.Verbose ? $"{text}\n{e}" : text);
        return granary switch
        {
            GranaryUsageException => ExitCode.Usage,
            StoreException or GranaryUnavailableException => ExitCode.Store,
            _ => ExitCode.RunFailed,
        };
    }
}
