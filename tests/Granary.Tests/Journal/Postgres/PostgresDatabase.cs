using Granary.Tests.Hosting;

namespace Granary.Tests.Journal.Postgres;

/// <summary>A database of one test; it goes with this.</summary>
internal sealed class PostgresDatabase : IDisposable
{
    private readonly PostgresServer _server = PostgresServer.Shared;

    public PostgresDatabase() => Name = _server.NewDatabase();

    public string Name { get; }

    public int Port => _server.Port;

    public string ConnectionString => _server.ConnectionString(Name);

    /// <summary>Runs SQL on a connection of its own. Tables and views are named as on SQLite.</summary>
    public List<object?[]> Sql(string sql) => PostgresServer.Query(ConnectionString, sql.Replace("granary_", "granary."));

    public string[] Columns(string view) =>
        [.. Sql($"""
            select column_name::text from information_schema.columns where table_schema || '.' || table_name = '{view}' order by ordinal_position
            """).Select(row => (string)row[0]!)];

    public void Dispose() => _server.DropDatabase(Name);
}
