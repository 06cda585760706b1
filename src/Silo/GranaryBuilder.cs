using Granary.Silo.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Granary.Silo;

/// <summary>The one builder of a host.</summary>
internal sealed class GranaryBuilder(IServiceCollection services) : IGranaryBuilder
{
    public IServiceCollection Services { get; } = services;

    /// <summary>The host's builder; the first call makes it and registers the silo.</summary>
    public static GranaryBuilder For(IHostApplicationBuilder host)
    {
        if (host.Services.FirstOrDefault(s => s.ServiceType == typeof(GranaryBuilder))?.ImplementationInstance is GranaryBuilder existing)
            return existing;
        var builder = new GranaryBuilder(host.Services);
        host.Services.AddSingleton(builder);
        var section = host.Configuration.GetSection("Granary");
        host.Services.AddOptions<GranaryOptions>().Bind(section).ValidateOnStart();
        host.Services.AddSingleton<IValidateOptions<GranaryOptions>, GranaryOptionsValidator>();
        EngineServices.Add(host.Services);
        StoreServices.Add(host.Services);

        host.Services.AddOptions<LoggerFilterOptions>().Configure(QuietOrleans);

        // Before Orleans: hosted services start in this order, and the silo must find its store open.
        host.Services.AddHostedService<StoreStartup>();
        host.Services.AddHostedService<DeadNeighbours>();
        host.UseOrleans(OrleansOverStore.Use);
        RecoveryServices.Add(host.Services);
        return builder;
    }

    /// <summary>
    /// Orleans tells a hundred lines at each start, and warns of what doesn't concern one process. First in the list, so
    /// that the application's own rules win.
    /// </summary>
    private static void QuietOrleans(LoggerFilterOptions options)
    {
        options.Rules.Insert(0, new LoggerFilterRule(null, "Orleans", LogLevel.Warning, null));
        options.Rules.Insert(0, new LoggerFilterRule(null, "Orleans.Runtime.Silo", LogLevel.Error, null));
        options.Rules.Insert(0, new LoggerFilterRule(null, "Orleans.Runtime.Watchdog", LogLevel.Error, null));
        options.Rules.Insert(0, new LoggerFilterRule(null, "Polly", LogLevel.Warning, null));
    }
}
