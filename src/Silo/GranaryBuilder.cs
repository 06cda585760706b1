using Granary.Silo.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Hosting;

namespace Granary.Silo;

/// <summary>The one builder of a host.</summary>
internal sealed class GranaryBuilder(IServiceCollection services) : IGranaryBuilder
{
    public IServiceCollection Services { get; } = services;

    /// <summary>The host's builder; the first call makes it and registers the silo.</summary>
    public static GranaryBuilder For(IHostApplicationBuilder host)
    {
        if (Find(host.Services) is { } existing)
            return existing;
        var builder = Add(host.Services, host.Configuration);
        host.Services.AddOptions<LoggerFilterOptions>().Configure(QuietOrleans);

        // Before Orleans: hosted services start in this order, and the silo must find its store open.
        host.Services.AddHostedService<StoreStartup>();
        host.Services.AddHostedService<DeadNeighbours>();
        host.UseOrleans(OrleansOverStore.Use);
        RecoveryServices.Add(host.Services);
        return builder;
    }

    /// <summary>The builder of a host that is a silo already; the first call makes it.</summary>
    public static GranaryBuilder For(ISiloBuilder silo)
    {
        if (Find(silo.Services) is { } existing)
            return existing;
        var builder = Add(silo.Services, silo.Configuration);

        // Before the silo's own service, which stands among them by now.
        silo.Services.Insert(0, ServiceDescriptor.Singleton<IHostedService, StoreStartup>());
        OrleansOverStore.UseState(silo);
        RecoveryServices.Add(silo.Services);
        return builder;
    }

    private static GranaryBuilder? Find(IServiceCollection services) =>
        services.FirstOrDefault(s => s.ServiceType == typeof(GranaryBuilder))?.ImplementationInstance as GranaryBuilder;

    private static GranaryBuilder Add(IServiceCollection services, IConfiguration configuration)
    {
        var builder = new GranaryBuilder(services);
        services.AddSingleton(builder);
        services.AddOptions<GranaryOptions>().Bind(configuration.GetSection("Granary")).ValidateOnStart();
        services.AddSingleton<IValidateOptions<GranaryOptions>, GranaryOptionsValidator>();
        EngineServices.Add(services);
        StoreServices.Add(services);
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
