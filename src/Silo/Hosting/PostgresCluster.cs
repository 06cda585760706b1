using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Orleans.Configuration;

namespace Granary.Silo.Hosting;

/// <summary>Orleans' membership, reminders and grain storage in the journal's own Postgres database.</summary>
internal static class PostgresCluster
{
    private const string Invariant = "Npgsql";

    public static void Use(ISiloBuilder silo, string connection, string schema, int siloPort, int gatewayPort)
    {
        var own = ConnectionString(connection, schema);
        silo.UseAdoNetClustering(options =>
        {
            options.Invariant = Invariant;
            options.ConnectionString = own;
        });
        silo.UseAdoNetReminderService(options =>
        {
            options.Invariant = Invariant;
            options.ConnectionString = own;
        });
        silo.AddAdoNetGrainStorage("granary", options =>
        {
            options.Invariant = Invariant;
            options.ConnectionString = own;
            options.GrainStorageSerializer = new GrainStateJson();
        });
        silo.Configure<ClusterOptions>(options => options.ServiceId = options.ClusterId = "granary");
        silo.ConfigureEndpoints(siloPort, gatewayPort, listenOnAnyHostAddress: false);
        if (IsOnThisMachine(connection))
            silo.Configure<EndpointOptions>(options => options.AdvertisedIPAddress = IPAddress.Loopback);
        silo.Services.AddSingleton<IConfigureOptions<ClusterMembershipOptions>, MembershipTimes>();
    }

    /// <summary>What Orleans' providers use: few connections of their own, and the schema by search path, since they can't be told one.</summary>
    public static string ConnectionString(string connection, string schema) => new NpgsqlConnectionStringBuilder(connection)
    {
        SearchPath = schema,
        MaxPoolSize = 3,
        ApplicationName = "granary-orleans",
    }.ConnectionString;

    /// <summary>Silos whose database is on this machine find each other on it too.</summary>
    private static bool IsOnThisMachine(string connection)
    {
        var host = new NpgsqlConnectionStringBuilder(connection).Host ?? "localhost";
        return host.StartsWith('/') || host.Split(',').All(h => h is "localhost" or "127.0.0.1" or "::1" || h.StartsWith("127.0.0.1:", StringComparison.Ordinal) || h.StartsWith("localhost:", StringComparison.Ordinal));
    }

    /// <summary>
    /// How soon a silent silo is declared dead. The default must not kill a healthy process on a small, busy machine; a
    /// hang is noticed after <c>MaxProbeTimeout</c> × misses, so that is lowered too.
    /// </summary>
    private sealed class MembershipTimes(IOptions<GranaryOptions> granary) : IConfigureOptions<ClusterMembershipOptions>
    {
        public void Configure(ClusterMembershipOptions options)
        {
            var fast = granary.Value.FastFailover;
            options.ProbeTimeout = TimeSpan.FromSeconds(fast ? 1 : 2);
            options.NumMissedProbesLimit = fast ? 2 : 3;
            options.MaxProbeTimeout = TimeSpan.FromSeconds(fast ? 2 : 4);
            options.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
            options.TableRefreshTimeout = TimeSpan.FromSeconds(5);
        }
    }
}
