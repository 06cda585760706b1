using Microsoft.Data.Sqlite;

namespace Granary.Journal.Sqlite;

/// <summary>Opens the one connection that writes journals.</summary>
internal static class SqliteWriterConnection
{
    /// <summary>Opens the file, makes it when it isn't there, and sees to it that a commit is on the disk when it returns.</summary>
    public static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            Pooling = false,
            DefaultTimeout = 5,
        }.ToString());
        try
        {
            connection.Open();

            // Another program's transaction is waited for; then the batch is sent again.
            Run(connection, "pragma busy_timeout = 5000");

            // The first statement that reads the file: finds out what isn't a database, and what can't be written.
            var mode = Run(connection, "pragma journal_mode = wal");
            if (mode != "wal")
            {
                throw new StoreException("GRN3006", $"The database '{path}' can't be kept in WAL mode, only '{mode}'.",
                    "Put the file on a local disk: network file systems lack the shared memory that WAL needs.");
            }

            Run(connection, "pragma synchronous = full");
            Run(connection, "pragma cache_size = -16000");
            Run(connection, "begin immediate; rollback");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static string? Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar()?.ToString();
    }
}
