using System.Diagnostics;
using System.Text;
using Granary.Journal.Postgres;
using Npgsql;
using NpgsqlTypes;

namespace Granary.Bench;

/// <summary>
/// What the disk and Postgres allow: the writer's own form of insert, columns as arrays in one prepared statement, into the
/// product's own journal table with its indexes, on one connection with the writer's settings and without anything else.
/// </summary>
internal static class PostgresLimit
{
    /// <summary>Rows per second in commits of that many rows.</summary>
    public static double RowsPerSecond(string connectionString, string schema, int rows, int rowsPerCommit)
    {
        using var connections = new PostgresConnections(connectionString, schema);
        using var connection = PostgresWriterConnection.Open(connections);
        using (var truncate = new NpgsqlCommand($"truncate {schema}.journal", connection))
            truncate.ExecuteNonQuery();
        var output = Encoding.UTF8.GetBytes($"\"{Product.Payload}\"");
        T[] Column<T>(Func<int, T> value) => [.. Enumerable.Range(0, rowsPerCommit).Select(value)];
        var kinds = Column(_ => "StepSucceeded");
        var keys = Column(_ => "a1");
        var names = Column(_ => "step");
        var codecs = Column(_ => "json");
        var zeros = Column(_ => 0);
        var ones = Column(_ => 1);
        var outputs = Column(_ => output);
        var watch = new Stopwatch();
        var warm = rowsPerCommit * 5;
        for (var done = 0; done < rows + warm; done += rowsPerCommit)
        {
            // The first commits prepare the statement and make the table's first pages.
            if (done == warm)
                watch.Start();
            using var insert = new NpgsqlCommand($"""
                insert into {schema}.journal (run_key, seq, epoch, append_id, kind, step_key, step_kind, name, attempt, started_at, committed_at, output_codec, output)
                select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                """, connection);
            var now = DateTime.UtcNow;
            var seq = (done / rowsPerCommit) + 1L;
            Add(insert, NpgsqlDbType.Bigint, Column(i => 1_000_000_000_000L + i));
            Add(insert, NpgsqlDbType.Bigint, Column(_ => seq));
            Add(insert, NpgsqlDbType.Integer, ones);
            Add(insert, NpgsqlDbType.Bigint, Column(_ => Random.Shared.NextInt64()));
            Add(insert, NpgsqlDbType.Text, kinds);
            Add(insert, NpgsqlDbType.Text, keys);
            Add(insert, NpgsqlDbType.Text, names);
            Add(insert, NpgsqlDbType.Text, names);
            Add(insert, NpgsqlDbType.Integer, zeros);
            Add(insert, NpgsqlDbType.TimestampTz, Column(_ => now));
            Add(insert, NpgsqlDbType.TimestampTz, Column(_ => now));
            Add(insert, NpgsqlDbType.Text, codecs);
            Add(insert, NpgsqlDbType.Bytea, outputs);
            insert.ExecuteNonQuery();
        }

        return rows / watch.Elapsed.TotalSeconds;
    }

    private static void Add<T>(NpgsqlCommand command, NpgsqlDbType type, T[] column) =>
        command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = column, NpgsqlDbType = NpgsqlDbType.Array | type });
}
