using System.Data.Common;
using Granary;
using Granary.Agents;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace WeatherAgent;

/// <summary>The two kinds of process: a silo, and a client outside of the cluster.</summary>
internal static class Hosts
{
    /// <summary>A silo: over a SQLite file it is the whole system, on Postgres one of many.</summary>
    public static IHost Silo(Settings settings, RunId id)
    {
        var builder = Plain(settings);

        // A demonstration works without a key: the offline demo model is good enough where nothing better is found.
        builder.Services.Configure<ModelChoiceOptions>(o => o.Detect = true);
        builder.Services.AddSingleton(settings).AddSingleton(new Effects(settings.Effects));
        var wishes = new RunWishes(settings.Serve ? (RunId?)null : id, settings.Sleep, settings.Approve);
        builder.Services.AddSingleton(wishes);
        builder.AddGranary(granary =>
        {
            granary.Configure(o =>
            {
                // What the command line names stands over the environment.
                if (settings.Data is { } data)
                    o.ConnectionString = new DbConnectionStringBuilder { ["Data Source"] = data }.ConnectionString;
                o.ConnectionString = settings.Connection ?? o.ConnectionString;
                o.Roles = [.. o.Roles, .. settings.Roles];
            });
            granary.AddWorkflow<WeatherWorkflow>();
            granary.AddAgent("weather", "Answer questions about the weather. Ask for every city that is named.")
                .AddTools<WeatherTools>()
                .Configure(agent => agent.BeforeModelCall = (ctx, call) =>
                    RoundSleep.BeforeSecondCallAsync(ctx, call, wishes.AreFor(ctx.RunId) ? wishes.Sleep : null));
        });
        return builder.Build();
    }

    /// <summary>A client: it finds the silos in their database and executes nothing.</summary>
    public static IHost Client(Settings settings)
    {
        var builder = Plain(settings);
        builder.AddGranaryClient(o => o.ConnectionString = settings.Connection ?? o.ConnectionString);
        return builder.Build();
    }

    private static HostApplicationBuilder Plain(Settings settings)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(o => o.SingleLine = true);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);

        // What goes wrong is told once, by the session's report, without the stack traces that logs carry. A silo that stays
        // has nobody to report to but its log.
        builder.Logging.SetMinimumLevel(settings.Verbose ? LogLevel.Information : settings.Serve ? LogLevel.Warning : LogLevel.Critical);
        builder.Logging.AddFilter("Granary.Agents", settings.Json && !settings.Verbose ? LogLevel.Warning : LogLevel.Information);
        foreach (var category in (string[])["Orleans", "Orleans.Runtime.Silo", "Orleans.Runtime.Watchdog", "Polly"])
            builder.Logging.AddFilter(category, settings.Verbose ? LogLevel.Warning : LogLevel.Critical);
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        return builder;
    }
}
