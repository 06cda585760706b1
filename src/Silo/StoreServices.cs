using Granary.Journal;
using Granary.Journal.Sqlite;
using Granary.Keepers;
using Granary.Runs;
using Granary.Silo.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Granary.Silo;

/// <summary>The store and the client of a silo.</summary>
internal static class StoreServices
{
    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<IJournalStore>(s =>
        {
            var options = s.GetRequiredService<IOptions<GranaryOptions>>();
            var path = StoreLocation.SqlitePath(options.Value, s.GetRequiredService<IConfiguration>(), s.GetRequiredService<IHostEnvironment>());
            return new SqliteJournalStore(path, s.GetRequiredService<SiloIncarnation>().Value, s.GetRequiredService<TimeProvider>(), options,
                s.GetRequiredService<ILogger<SqliteJournalStore>>());
        });
        // One process, one file, one keeper: whoever else stands in the file is gone, its lock proves it.
        services.AddSingleton(new KeeperOptions(Shards: 1));
        services.AddSingleton<ISiloMembers>(s => new SingleMember(s.GetRequiredService<SiloIncarnation>().Value));
        services.AddSingleton<IGranaryClient>(s => new Client.GranaryClient(
            s.GetRequiredService<IGrainFactory>(), s.GetRequiredService<Engine.ValueJson>(), s.GetRequiredService<TimeProvider>(), s,
            s.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping));
    }
}
