using System.Globalization;
using Granary.Tests.Shared;
using Npgsql;
using Xunit;

namespace Granary.Tests.Hosting;

/// <summary>
/// A Postgres server of the tests' own: made in a temporary folder when the first test asks, with the server's own settings
/// for durability, and stopped when the process ends.
/// </summary>
internal sealed class PostgresServer : IDisposable
{
    private static readonly Lazy<(PostgresServer? Server, string? Reason)> _shared = new(Start);
    private static int _databases;

    private readonly PostgresProcess _process;

    private PostgresServer(PostgresProcess process) => _process = process;

    public int Port => _process.Port;

    /// <summary>The server; a test that needs it is skipped where there is none.</summary>
    public static PostgresServer Shared
    {
        get
        {
            var (server, reason) = _shared.Value;
            if (server is null)
                Assert.Skip($"No Postgres server: {reason}");
            return server;
        }
    }

    /// <summary>A server of one test, to be stopped under it.</summary>
    public static PostgresServer Own()
    {
        _ = Shared;
        return new PostgresServer(PostgresProcess.Start());
    }

    /// <inheritdoc cref="PostgresProcess.StopAtOnce"/>
    public void StopAtOnce() => _process.StopAtOnce();

    public void StartAgain() => _process.StartAgain();

    public void Dispose() => _process.Stop();

    /// <summary>A connection string of the superuser.</summary>
    public string ConnectionString(string database) => _process.ConnectionString(database);

    /// <summary>Makes an empty database and returns its name.</summary>
    public string NewDatabase()
    {
        var name = $"t{Interlocked.Increment(ref _databases)}";
        Execute("postgres", $"create database {name}");
        return name;
    }

    public void DropDatabase(string name) => Execute("postgres", $"drop database if exists {name} with (force)");

    public void Execute(string database, string sql) => Query(ConnectionString(database), sql);

    /// <summary>Runs SQL on a connection of its own; whole numbers and times come as SQLite has them.</summary>
    public static List<object?[]> Query(string connectionString, string sql)
    {
        using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        using var reader = command.ExecuteReader();
        var rows = new List<object?[]>();
        while (reader.Read())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
                row[i] = reader.IsDBNull(i) ? null : Plain(reader.GetValue(i));
            rows.Add(row);
        }

        return rows;
    }

    private static object Plain(object value) => value switch
    {
        int or short => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        DateTime time => time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
        _ => value,
    };

    private static (PostgresServer? Server, string? Reason) Start()
    {
        try
        {
            return (new PostgresServer(PostgresProcess.Start()), null);
        }
        catch (InvalidOperationException e)
        {
            return (null, e.Message);
        }
    }
}
