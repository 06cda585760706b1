using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Granary.Silo.Hosting;

/// <summary>Which database: the connection string where there is one, else a SQLite file.</summary>
internal static class StoreLocation
{
    /// <summary>The SQLite file's full path.</summary>
    /// <exception cref="StoreException"><c>GRN3007</c>: the connection string is for another database.</exception>
    public static string SqlitePath(GranaryOptions options, IConfiguration configuration, IHostEnvironment environment)
    {
        var path = options.DataPath ?? "granary.db";
        if (configuration.GetConnectionString(options.ConnectionName) is { Length: > 0 } connection)
        {
            path = Part(connection, "Data Source") ?? throw new StoreException("GRN3007",
                $"The connection string '{options.ConnectionName}' names no SQLite file.",
                "Use 'Data Source=FILE', or leave the connection string out: this build keeps journals in SQLite.");
        }

        return Path.GetFullPath(path, environment.ContentRootPath);
    }

    private static string? Part(string connection, string key)
    {
        foreach (var part in connection.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            if (at > 0 && part[..at].Trim().Equals(key, StringComparison.OrdinalIgnoreCase))
                return part[(at + 1)..].Trim();
        }

        return null;
    }
}
