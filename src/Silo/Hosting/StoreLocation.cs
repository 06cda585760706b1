using System.Data.Common;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Granary.Silo.Hosting;

/// <summary>
/// Which database: Postgres where the connection string names a host, else a SQLite file. Decided when the host is built,
/// so that it doesn't matter in which order an application configures.
/// </summary>
internal sealed class StoreLocation
{
    /// <summary>The choice.</summary>
    /// <exception cref="StoreException"><c>GRN3007</c>: the connection string is for neither.</exception>
    public StoreLocation(IOptions<GranaryOptions> options, IConfiguration configuration, IHostEnvironment environment)
    {
        var (given, name) = options.Value.ConnectionString is { Length: > 0 } set
            ? (set, "Granary:ConnectionString")
            : (configuration.GetConnectionString(options.Value.ConnectionName), options.Value.ConnectionName);
        var path = options.Value.DataPath ?? "granary.db";
        if (given is { Length: > 0 })
        {
            var parts = Parse(given, name);
            if (Part(parts, "Host", "Server") is not null)
            {
                PostgresConnection = given;
                return;
            }

            path = Part(parts, "Data Source", "DataSource", "Filename") ?? throw Unusable(name);
        }

        SqlitePath = Path.GetFullPath(path, environment.ContentRootPath);
    }

    /// <summary>The connection string, where many silos share a Postgres database.</summary>
    public string? PostgresConnection { get; }

    /// <summary>The full path of the SQLite file, where this process is alone.</summary>
    public string? SqlitePath { get; }

    private static DbConnectionStringBuilder Parse(string connection, string name)
    {
        try
        {
            return new DbConnectionStringBuilder { ConnectionString = connection };
        }
        catch (ArgumentException)
        {
            // Without the inner exception: it quotes what stands in the string.
            throw Unusable(name);
        }
    }

    private static string? Part(DbConnectionStringBuilder parts, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (parts.TryGetValue(key, out var value) && value is string { Length: > 0 } text)
                return text;
        }

        return null;
    }

    private static StoreException Unusable(string name) => new("GRN3007",
        $"The connection string '{name}' names neither a SQLite file nor a Postgres server.",
        "Use 'Data Source=FILE', or 'Host=…;Database=…;Username=…;Password=…'.");
}
