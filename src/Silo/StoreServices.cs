using Granary.Journal;
using Granary.Journal.Postgres;
using Granary.Journal.Sqlite;
using Granary.Keepers;
using Granary.Runs;
using Granary.Silo.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace Granary.Silo;

/// <summary>The store and the client of a silo.</summary>
internal static class StoreServices
{
    /// <summary>How long calls to a silo that died are made again.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    /// <summary>Below Orleans' response timeout of 30 s.</summary>
    private static readonly TimeSpan _poll = TimeSpan.FromSeconds(20);

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<StoreLocation>();
        services.AddSingleton<IJournalStore>(s =>
        {
            var options = s.GetRequiredService<IOptions<GranaryOptions>>();
            var location = s.GetRequiredService<StoreLocation>();
            return location.PostgresConnection is { } connection
                ? new PostgresJournalStore(connection, options, s.GetRequiredService<ILogger<PostgresJournalStore>>())
                : new SqliteJournalStore(location.SqlitePath!, s.GetRequiredService<SiloIncarnation>().Value, s.GetRequiredService<TimeProvider>(), options,
                    s.GetRequiredService<ILogger<SqliteJournalStore>>());
        });
        services.AddSingleton(s => s.GetRequiredService<StoreLocation>().PostgresConnection is null ? KeeperOptions.OfOne : KeeperOptions.OfCluster);
        services.AddSingleton<ISiloMembers>(s => s.GetRequiredService<StoreLocation>().PostgresConnection is null
            ? new SingleMember(s.GetRequiredService<SiloIncarnation>().Value)
            : new SiloMembers(s.GetRequiredService<ISiloStatusOracle>(), s.GetRequiredService<StoreClock>()));
        services.AddSingleton<IGranaryClient>(s => new Client.GranaryClient(
            s.GetRequiredService<IGrainFactory>(), s.GetRequiredService<Engine.ValueJson>(), s.GetRequiredService<StoreClock>(), s,
            s.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping, new Client.CallRetry(_patience, s.GetRequiredService<StoreClock>()), _poll));
    }
}
