using System.Net;
using System.Net.Sockets;
using Granary.Activities;
using Granary.Journal;
using Granary.Journal.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Runtime.MembershipService;
using Orleans.Runtime.MembershipService.SiloMetadata;

namespace Granary.Silo.Hosting;

/// <summary>
/// Orleans' own state, in the journal's database: reminders and grain storage on both, membership on Postgres. A process
/// over a SQLite file is a cluster of one.
/// </summary>
internal static class OrleansOverStore
{
    /// <summary>Silos of one database are one cluster; another application has a schema of its own.</summary>
    public const string Cluster = "granary";

    /// <summary>The name under which Orleans loads Microsoft.Data.Sqlite.</summary>
    private const string Sqlite = "System.Data.SQLite";
    private const string Postgres = "Npgsql";

    public static void Use(ISiloBuilder silo)
    {
        silo.Configure<ClusterOptions>(options => options.ServiceId = options.ClusterId = Cluster);
        UseMembership(silo);
        silo.UseAdoNetReminderService(reminders => reminders.Configure<StoreLocation, IServiceProvider>((options, location, services) =>
        {
            options.Invariant = Invariant(location);
            options.ConnectionString = SqliteConnection(location)!;
            options.DataSource = Source(location, services);
        }));
        UseState(silo);
        silo.Services.AddOptions<EndpointOptions>().Configure<StoreLocation>(SetEndpoints);
        silo.Services.AddOptions<ClusterMembershipOptions>().Configure<StoreLocation, IOptions<GranaryOptions>>(SetMembershipTimes);

        // Silos compare the times at which they said that they live, and share reminders: also these follow one clock. And
        // Orleans can't activate anything for as long as a machine's clock was set back.
        silo.Services.AddKeyedSingleton<TimeProvider>(TimeProviderNames.Membership, (services, _) => services.GetRequiredService<StoreClock>());
        silo.Services.AddKeyedSingleton<TimeProvider>(Orleans.Reminders.ReminderTimeProviderNames.Reminders, (services, _) => services.GetRequiredService<StoreClock>());
        silo.Services.AddKeyedSingleton<TimeProvider>(TimeProviderNames.ActivationManagement, (services, _) => new SteadyTime(services.GetRequiredService<TimeProvider>()));
    }

    /// <summary>What Granary's own grains need of a silo, whoever has set it up.</summary>
    public static void UseState(ISiloBuilder silo)
    {
        silo.AddAdoNetGrainStorage("granary", (OptionsBuilder<AdoNetGrainStorageOptions> storage) => storage.Configure<StoreLocation, IServiceProvider>((options, location, services) =>
        {
            options.Invariant = Invariant(location);
            options.ConnectionString = SqliteConnection(location)!;
            options.DataSource = Source(location, services);
            options.GrainStorageSerializer = new GrainStateJson();
        }));
        UseRoles(silo);
    }

    private static void UseMembership(ISiloBuilder silo)
    {
        silo.UseDevelopmentClustering((IPEndPoint?)null);
        var ofOne = silo.Services.Last(s => s.ServiceType == typeof(IMembershipTable)).ImplementationFactory!;
        silo.Services.AddSingleton<AdoNetClusteringTable>();
        silo.Services.AddOptions<AdoNetClusteringSiloOptions>().Configure<StoreLocation, IServiceProvider>((options, location, services) =>
        {
            options.Invariant = Invariant(location);
            options.DataSource = Source(location, services);
        });
        silo.Services.AddSingleton<IMembershipTable>(services => services.GetRequiredService<StoreLocation>().PostgresConnection is null
            ? (IMembershipTable)ofOne(services)
            : services.GetRequiredService<AdoNetClusteringTable>());
    }

    /// <summary>Shows a silo's roles to the others: the settings are read before what is told of them.</summary>
    private static void UseRoles(ISiloBuilder silo)
    {
        var told = new Dictionary<string, string>();
        silo.Services.AddOptions<SiloMetadata>().Configure<IOptions<GranaryOptions>>((_, granary) => told[SiloRoles.MetadataKey] = string.Join('\n', granary.Value.Roles));
        silo.UseSiloMetadata(told);
    }

    private static string Invariant(StoreLocation location) => location.PostgresConnection is null ? Sqlite : Postgres;

    private static string? SqliteConnection(StoreLocation location) =>
        location.SqlitePath is { } path ? $"Data Source={path};Default Timeout=30" : null;

    /// <summary>The store's own, so that a silo's connections are counted in one place.</summary>
    private static NpgsqlDataSource? Source(StoreLocation location, IServiceProvider services) =>
        location.PostgresConnection is null ? null : ((PostgresJournalStore)services.GetRequiredService<IJournalStore>()).OrleansDataSource;

    /// <summary>Free ports, so that programs on one machine don't meet. What the application configures itself stands over it.</summary>
    private static void SetEndpoints(EndpointOptions options, StoreLocation location)
    {
        // Silos whose database is on this machine find each other on it too; others by the machine's address.
        var isHere = location.PostgresConnection is not { } connection || IsOnThisMachine(connection);
        var address = isHere ? IPAddress.Loopback : IPAddress.Any;
        (options.SiloPort, options.GatewayPort) = FreePorts(address);
        if (isHere)
            options.AdvertisedIPAddress = address;
        options.SiloListeningEndpoint = new IPEndPoint(address, options.SiloPort);
        options.GatewayListeningEndpoint = new IPEndPoint(address, options.GatewayPort);
    }

    private static bool IsOnThisMachine(string connection)
    {
        var hosts = (new NpgsqlConnectionStringBuilder(connection).Host ?? "localhost").Split(',');
        return hosts.All(host => host.StartsWith('/') || host.Split(':')[0] is "localhost" or "127.0.0.1" || host is "::1" or "[::1]");
    }

    private static (int Silo, int Gateway) FreePorts(IPAddress address)
    {
        using var a = new TcpListener(address, 0);
        using var b = new TcpListener(address, 0);
        a.Start();
        b.Start();
        return (((IPEndPoint)a.LocalEndpoint).Port, ((IPEndPoint)b.LocalEndpoint).Port);
    }

    /// <summary>
    /// How soon a silent silo is declared dead. The default must not kill a healthy process on a small, busy machine; a
    /// hang is noticed after <c>MaxProbeTimeout</c> × misses, so that is lowered too.
    /// </summary>
    private static void SetMembershipTimes(ClusterMembershipOptions options, StoreLocation location, IOptions<GranaryOptions> granary)
    {
        if (location.PostgresConnection is null)
            return;
        var fast = granary.Value.FastFailover;
        options.ProbeTimeout = TimeSpan.FromSeconds(fast ? 1 : 2);
        options.NumMissedProbesLimit = fast ? 2 : 3;
        options.MaxProbeTimeout = TimeSpan.FromSeconds(fast ? 2 : 4);
        options.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
        options.TableRefreshTimeout = TimeSpan.FromSeconds(5);
    }
}
