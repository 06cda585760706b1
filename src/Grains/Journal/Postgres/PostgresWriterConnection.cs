using Npgsql;

namespace Granary.Journal.Postgres;

/// <summary>Opens the one connection that writes journals.</summary>
internal static class PostgresWriterConnection
{
    /// <summary>
    /// Every statement is by key. A plan that was made while a table was empty reads all of it, and is kept; with those
    /// ways of reading off there is no such plan. Limits keep a stuck statement from holding locks for ever.
    /// </summary>
    private const string Settings = """
        set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set plan_cache_mode = force_generic_plan; set jit = off;
        set statement_timeout = '30s'; set lock_timeout = '10s'; set default_transaction_read_only = off
        """;

    public static NpgsqlConnection Open(PostgresConnections connections)
    {
        var connection = connections.New("granary writer");
        try
        {
            connection.Open();
            using var command = new NpgsqlCommand(Settings, connection);
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
