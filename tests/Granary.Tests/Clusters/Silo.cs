using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Tests.Clusters;

/// <summary>A silo in the test's own process, over a Postgres database; started as a user would start it.</summary>
internal sealed class Silo(IHost host, Hosting.TestLog log) : IAsyncDisposable
{
    public IServiceProvider Services => host.Services;

    public IGranaryClient Client => Services.GetRequiredService<IGranaryClient>();

    public Hosting.TestLog Log => log;

    public static async Task<Silo> StartAsync(string connection, Action<IGranaryBuilder> configure, TimeProvider? time = null)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        var log = new Hosting.TestLog();
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Information);
        if (time is not null)
            builder.Services.AddSingleton(time);

        // After AddGranary: the choice of the database falls when the host is built.
        var granary = builder.AddGranary();
        builder.Configuration["ConnectionStrings:granary"] = connection;
        configure(granary);
        var host = builder.Build();
        try
        {
            await host.StartAsync(Xunit.TestContext.Current.CancellationToken);
            return new Silo(host, log);
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync(CancellationToken.None);
        host.Dispose();
    }
}
