using System.Net;
using System.Net.Sockets;
using Granary.Journal.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Xunit;

namespace Granary.Tests.Journal.Postgres;

/// <summary>Orleans' own providers work with the schema's tables and queries.</summary>
[Trait("Speed", "Slow")]
public sealed class PostgresOrleansTests : IAsyncLifetime
{
    private readonly PostgresDatabase _database = new();
    private PostgresJournalStore? _store;

    public async ValueTask InitializeAsync() => _store = await PostgresJournalStore.OpenAsync(_database.ConnectionString);

    public async ValueTask DisposeAsync()
    {
        await _store!.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task two_silos_find_each_other_and_leave()
    {
        using var first = await StartAsync();
        using var second = await StartAsync();
        var hosts = await first.Services.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true, TestContext.Current.CancellationToken);
        Assert.Equal(2, hosts.Count);
        await second.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal(
            [[3L, 1L], [6L, 1L]],
            _database.Sql("select status, count(*) from granary.OrleansMembershipTable group by status order by status"));
        await first.StopAsync(TestContext.Current.CancellationToken);
    }

    private async Task<IHost> StartAsync()
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = ("test", "test"));
            silo.ConfigureEndpoints(IPAddress.Loopback, FreePort(), FreePort());
            silo.UseAdoNetClustering(o => (o.Invariant, o.DataSource) = ("Npgsql", _store!.OrleansDataSource));
        });
        var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
