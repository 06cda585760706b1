using System.Net;
using System.Net.Sockets;
using Granary.Silo.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

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
        host.UseOrleans(UseOneProcess);
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

    /// <summary>A cluster of one, on free ports, so that two programs on one machine don't meet.</summary>
    private static void UseOneProcess(ISiloBuilder silo)
    {
        var (siloPort, gatewayPort) = FreePorts();
        silo.UseLocalhostClustering(siloPort, gatewayPort, serviceId: "granary", clusterId: "granary");
        silo.Configure<EndpointOptions>(options =>
        {
            options.AdvertisedIPAddress = IPAddress.Loopback;
            options.SiloListeningEndpoint = new IPEndPoint(IPAddress.Loopback, siloPort);
            options.GatewayListeningEndpoint = new IPEndPoint(IPAddress.Loopback, gatewayPort);
        });
    }

    private static (int Silo, int Gateway) FreePorts()
    {
        using var a = new TcpListener(IPAddress.Loopback, 0);
        using var b = new TcpListener(IPAddress.Loopback, 0);
        a.Start();
        b.Start();
        return (((IPEndPoint)a.LocalEndpoint).Port, ((IPEndPoint)b.LocalEndpoint).Port);
    }
}
