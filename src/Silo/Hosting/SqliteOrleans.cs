using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Granary.Silo.Hosting;

/// <summary>Orleans' reminders and grain storage in the same SQLite file.</summary>
internal static class SqliteOrleans
{
    /// <summary>The name under which Orleans loads Microsoft.Data.Sqlite.</summary>
    private const string Invariant = "System.Data.SQLite";

    public static void Use(ISiloBuilder silo)
    {
        silo.UseAdoNetReminderService(reminders => reminders.Configure<IOptions<GranaryOptions>, IConfiguration, IHostEnvironment>((options, granary, configuration, environment) =>
        {
            options.Invariant = Invariant;
            options.ConnectionString = ConnectionString(granary, configuration, environment);
        }));
        silo.AddAdoNetGrainStorage("granary", (OptionsBuilder<AdoNetGrainStorageOptions> storage) => storage.Configure<IOptions<GranaryOptions>, IConfiguration, IHostEnvironment>((options, granary, configuration, environment) =>
        {
            options.Invariant = Invariant;
            options.ConnectionString = ConnectionString(granary, configuration, environment);
            options.GrainStorageSerializer = new GrainStateJson();
        }));
    }

    private static string ConnectionString(IOptions<GranaryOptions> granary, IConfiguration configuration, IHostEnvironment environment) =>
        $"Data Source={StoreLocation.SqlitePath(granary.Value, configuration, environment)};Default Timeout=30";
}
