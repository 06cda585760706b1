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
using Orleans.Storage;
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

    [Fact]
    public async Task grain_state_and_reminders_are_kept()
    {
        using var host = await StartAsync();
        var grain = GrainId.Create("keeper", "a-key-of-more-than-a-hundred-and-fifty-characters/" + new string('k', 200));
        var storage = host.Services.GetRequiredKeyedService<IGrainStorage>("granary");
        var state = new GrainState<List<int>>([1, 2]);
        await storage.WriteStateAsync("s", grain, state);
        state.State!.Add(3);
        await storage.WriteStateAsync("s", grain, state);
        var read = new GrainState<List<int>>();
        await storage.ReadStateAsync("s", grain, read);
        Assert.Equal([1, 2, 3], read.State);
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("s", grain, new GrainState<List<int>>([9]) { ETag = "1" }));
        await storage.ClearStateAsync("s", grain, read);

        var cancellation = TestContext.Current.CancellationToken;
        var reminders = host.Services.GetRequiredService<IReminderTable>();
        var entry = new ReminderEntry { GrainId = grain, ReminderName = "tick", StartAt = Chain.Noon.UtcDateTime, Period = TimeSpan.FromMinutes(1) };
        await reminders.UpsertRow(entry, cancellation);
        var etag = await reminders.UpsertRow(entry, cancellation);
        var row = await reminders.ReadRow(grain, "tick", cancellation);
        Assert.Equal((Chain.Noon.UtcDateTime, TimeSpan.FromMinutes(1), etag), (row!.StartAt, row.Period, row.ETag));
        Assert.Single((await reminders.ReadRows(0, uint.MaxValue, cancellation)).Reminders);
        Assert.True(await reminders.RemoveRow(grain, "tick", etag!, cancellation));
        Assert.False(await reminders.RemoveRow(grain, "tick", etag!, cancellation));
        await host.StopAsync(TestContext.Current.CancellationToken);
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
            silo.UseAdoNetReminderService(o => (o.Invariant, o.DataSource) = ("Npgsql", _store!.OrleansDataSource));
            silo.AddAdoNetGrainStorage("granary", o => (o.Invariant, o.DataSource) = ("Npgsql", _store!.OrleansDataSource));
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
