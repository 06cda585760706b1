using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Tests.Hosting;

/// <summary>A host with Granary over a SQLite file of its own, started as a user would start it.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly bool _ownsData;

    private TestApp(IHost host, string dataPath, bool ownsData, TestLog log)
    {
        _host = host;
        DataPath = dataPath;
        _ownsData = ownsData;
        Log = log;
    }

    public string DataPath { get; }

    public TestLog Log { get; }

    public IServiceProvider Services => _host.Services;

    public IGranaryClient Client => Services.GetRequiredService<IGranaryClient>();

    /// <summary>Starts an application; without a path over a new file that goes with it.</summary>
    public static async Task<TestApp> StartAsync(Action<IGranaryBuilder> configure, string? dataPath = null)
    {
        var path = dataPath ?? TestData.NewPath();
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        var log = new TestLog();
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Information);
        var granary = builder.AddGranary();
        granary.Configure(o => o.DataPath = path);
        configure(granary);
        var host = builder.Build();
        try
        {
            await host.StartAsync();
        }
        catch
        {
            host.Dispose();
            throw;
        }

        return new TestApp(host, path, dataPath is null, log);
    }

    /// <summary>Completes when the keeper has looked for runs of dead owners at the start; it looks again a minute later.</summary>
    public Task KeeperHasLookedAsync() => Eventually.TrueAsync(DataPath, "the keeper has looked", () => Query("select 1 from OrleansStorage").Count > 0);

    /// <summary>Reads the database from outside, as a person with a SQL tool would.</summary>
    public List<object?[]> Query(string sql) => TestData.Query(DataPath, sql);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        if (_ownsData)
            TestData.Delete(DataPath);
    }
}

/// <summary>Database files of tests.</summary>
internal static class TestData
{
    public static string NewPath() => Path.Combine(Directory.CreateTempSubdirectory("granary-test-").FullName, "granary.db");

    public static void Delete(string path) => Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);

    public static List<object?[]> Query(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False;Default Timeout=30");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<object?[]>();
        while (reader.Read())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
                row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
            rows.Add(row);
        }

        return rows;
    }
}
