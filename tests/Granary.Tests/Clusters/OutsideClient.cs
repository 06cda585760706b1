using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>A client of a cluster, in the test's process but none of its silos.</summary>
internal sealed class OutsideClient(IHost host) : IAsyncDisposable
{
    public IGranaryClient Client => host.Services.GetRequiredService<IGranaryClient>();

    public static async Task<OutsideClient> ConnectAsync(string connection, Action<GranaryClientOptions>? configure = null)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.ClearProviders();
        builder.AddGranaryClient(o =>
        {
            o.ConnectionString = connection;
            configure?.Invoke(o);
        });
        var host = builder.Build();
        try
        {
            await host.StartAsync(TestContext.Current.CancellationToken);
            return new OutsideClient(host);
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
