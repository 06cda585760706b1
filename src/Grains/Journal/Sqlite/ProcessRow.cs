using Microsoft.Data.Sqlite;

namespace Granary.Journal.Sqlite;

/// <summary>
/// The row that says which process may write: the fence inside the database, for when the lock file was deleted or lies
/// on a file system that only pretends to lock.
/// </summary>
internal static class ProcessRow
{
    /// <summary>Makes this process the one that writes, and returns its epoch.</summary>
    /// <exception cref="StoreException"><c>GRN3001</c>: the process that opened the database last still lives.</exception>
    public static long Register(SqliteConnection connection, string path, StoreProcess self, DateTimeOffset now)
    {
        using var transaction = connection.BeginTransaction(deferred: false);
        if (Holder(connection, transaction, path) is { } holder && holder.Pid != self.Pid && holder.Host == self.Host && !holder.IsGone())
            throw SqliteErrors.HeldBy(path, holder);

        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = """
            insert into granary_process (id, epoch, incarnation, path, host, pid, started_at, opened_at)
            values (1, 1, $incarnation, $path, $host, $pid, $started, $now)
            on conflict (id) do update set epoch = epoch + 1, incarnation = excluded.incarnation, path = excluded.path, host = excluded.host,
              pid = excluded.pid, started_at = excluded.started_at, opened_at = excluded.opened_at, closed_at = null
            returning epoch
            """;
        command.Parameters.AddWithValue("$incarnation", self.Incarnation);
        command.Parameters.AddWithValue("$path", path);
        command.Parameters.AddWithValue("$host", self.Host);
        command.Parameters.AddWithValue("$pid", self.Pid);
        command.Parameters.AddWithValue("$started", SqliteTime.ToMicroseconds(self.StartedAt));
        command.Parameters.AddWithValue("$now", SqliteTime.ToMicroseconds(now));
        var epoch = (long)command.ExecuteScalar()!;
        transaction.Commit();
        return epoch;
    }

    /// <summary>Says that this process closed the database in order.</summary>
    public static void Close(SqliteConnection connection, long epoch, DateTimeOffset now)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "update granary_process set closed_at = $now where id = 1 and epoch = $epoch";
        command.Parameters.AddWithValue("$now", SqliteTime.ToMicroseconds(now));
        command.Parameters.AddWithValue("$epoch", epoch);
        command.ExecuteNonQuery();
    }

    /// <summary>Who has the database open, by its row. A copy of a file tells of the file it was copied from: that isn't meant.</summary>
    private static StoreProcess? Holder(SqliteConnection connection, SqliteTransaction transaction, string path)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "select pid, started_at, host, incarnation from granary_process where id = 1 and closed_at is null and path = $path";
        command.Parameters.AddWithValue("$path", path);
        using var reader = command.ExecuteReader();
        return reader.Read()
            ? new StoreProcess(reader.GetInt32(0), SqliteTime.FromMicroseconds(reader.GetInt64(1)), reader.GetString(2), reader.GetString(3))
            : null;
    }
}
