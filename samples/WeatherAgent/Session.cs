using System.Runtime.InteropServices;
using Granary;
using Granary.Agents;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace WeatherAgent;

/// <summary>One run of the program: a silo over a SQLite file, a run, its answer.</summary>
internal static class Session
{
    public static async Task<int> RunAsync(Settings settings)
    {
        using var interrupted = new CancellationTokenSource();
        void Interrupt(PosixSignalContext context)
        {
            context.Cancel = true;
            interrupted.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        try
        {
            if (string.IsNullOrWhiteSpace(settings.Question))
                return CommandLine.Refuse("The question is empty.");
            var id = settings.Id is null ? new RunId(Guid.CreateVersion7().ToString()) : new RunId(settings.Id);
            if (Effects.Problem(settings.Effects) is { } problem)
                return CommandLine.Refuse(problem);
            using var host = Build(settings, id);
            await host.StartAsync(interrupted.Token).ConfigureAwait(false);
            try
            {
                return await AskAsync(host.Services, id, settings, interrupted.Token).ConfigureAwait(false);
            }
            finally
            {
                await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception e)
        {
            return Report(e, settings);
        }
    }

    private static IHost Build(Settings settings, RunId id)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(o => o.SingleLine = true);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);

        // What goes wrong is told once, by Report, without the stack traces that logs carry.
        builder.Logging.SetMinimumLevel(settings.Verbose ? LogLevel.Information : LogLevel.Critical);
        builder.Logging.AddFilter("Granary.Agents", settings.Json && !settings.Verbose ? LogLevel.Warning : LogLevel.Information);
        foreach (var category in (string[])["Orleans", "Orleans.Runtime.Silo", "Orleans.Runtime.Watchdog", "Polly"])
            builder.Logging.AddFilter(category, settings.Verbose ? LogLevel.Warning : LogLevel.Critical);

        // A demonstration works without a key: the offline demo model is good enough where nothing better is found.
        builder.Services.Configure<ModelChoiceOptions>(o => o.Detect = true);
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        builder.Services.AddSingleton(settings).AddSingleton(new Effects(settings.Effects));
        builder.AddGranary(granary =>
        {
            if (settings.Data is not null)
                granary.Configure(o => o.DataPath = settings.Data);
            granary.AddWorkflow<WeatherWorkflow>();
            granary.AddAgent("weather", "Answer questions about the weather. Ask for every city that is named.")
                .AddTools<WeatherTools>()
                .Configure(agent => agent.BeforeModelCall = (ctx, call) =>
                    RoundSleep.BeforeSecondCallAsync(ctx, call, ctx.RunId == id ? settings.Sleep : null));
        });
        return builder.Build();
    }

    private static async Task<int> AskAsync(IServiceProvider services, RunId id, Settings settings, CancellationToken cancellationToken)
    {
        var client = services.GetRequiredService<IGranaryClient>();
        var printer = new Printer(settings, Environment.ProcessId);
        var run = await client.Workflow<WeatherWorkflow>().StartAsync(settings.Question, new() { Id = id }, cancellationToken).ConfigureAwait(false);
        printer.Run(run);
        using var watched = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var outage = StoreOutage.WatchAsync(services, watched.Token);
        var watching = WatchAsync(run, printer, watched.Token);
        if (await Task.WhenAny(watching, outage).ConfigureAwait(false) == outage)
            await outage.ConfigureAwait(false);
        var fromJournal = await watching.ConfigureAwait(false);
        await watched.CancelAsync().ConfigureAwait(false);
        printer.Answer(await run.ResultAsync(cancellationToken).ConfigureAwait(false), fromJournal);
        return ExitCode.Ok;
    }

    /// <summary>Prints each step as it is recorded. Returns whether the end was recorded by an earlier process.</summary>
    private static async Task<bool> WatchAsync(RunHandle run, Printer printer, CancellationToken cancellationToken)
    {
        await foreach (var update in run.WatchAsync(cancellationToken: cancellationToken).ConfigureAwait(false))
        {
            switch (update)
            {
                case StepEnded ended:
                    printer.Step(ended);
                    break;
                case RunStatusChanged { Status: RunStatus.Waiting } when await run.InfoAsync(cancellationToken).ConfigureAwait(false) is { WaitingOn: "version" } info:
                    throw new RunWaitsException(info);
                case RunStatusChanged { Status: RunStatus.Succeeded or RunStatus.Failed or RunStatus.Cancelled or RunStatus.Poisoned } end:
                    return Printer.IsFromJournal(end);
            }
        }

        return false;
    }

    private static int Report(Exception e, Settings settings)
    {
        var granary = e as GranaryException ?? e.InnerException as GranaryException;
        var text = granary?.Message ?? (e is RunWaitsException or OptionsValidationException ? e.Message : $"GRN9902: {e.GetType().Name}: {e.Message}");
        Console.Error.WriteLine(settings.Verbose ? $"{text}\n{e}" : text);
        return (granary ?? e) switch
        {
            GranaryUsageException or OptionsValidationException => ExitCode.Usage,
            StoreException or GranaryUnavailableException => ExitCode.Store,
            _ => ExitCode.RunFailed,
        };
    }
}
