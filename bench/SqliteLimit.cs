using System.Diagnostics;
using System.Text;
using Microsoft.Data.Sqlite;

namespace Granary.Bench;

/// <summary>
/// What the disk and SQLite allow: prepared inserts into the product's own journal table, with its indexes and its
/// durability settings, on one connection and without anything else.
/// </summary>
internal static class SqliteLimit
{
    private const string Table = """
        insert into granary_journal (run_key, seq, epoch, append_id, kind, step_key, step_kind, name, attempt, started_at, committed_at, output_codec, output)
        values ($run, $seq, 1, $id, 'StepSucceeded', $key, 'step', 'step', 0, $at, $at, 'json', $output)
        """;

    /// <summary>Rows per second in commits of that many rows.</summary>
    public static async Task<double> RowsPerSecondAsync(int rows, int rowsPerCommit)
    {
        var folder = Directory.CreateTempSubdirectory("granary-bench-").FullName;
        try
        {
            // The product makes the schema, then goes.
            await using (await MakeSchemaAsync(folder))
            {
            }

            return Insert(Path.Combine(folder, "bench.db"), rows, rowsPerCommit);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Insert(string path, int rows, int rowsPerCommit)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        foreach (var pragma in (string[])["pragma journal_mode=wal", "pragma synchronous=full"])
        {
            using var set = connection.CreateCommand();
            set.CommandText = pragma;
            set.ExecuteNonQuery();
        }

        var output = Encoding.UTF8.GetBytes($"\"{Product.Payload}\"");
        using var insert = connection.CreateCommand();
        insert.CommandText = Table;
        var run = insert.Parameters.Add("$run", SqliteType.Integer);
        var seq = insert.Parameters.Add("$seq", SqliteType.Integer);
        var id = insert.Parameters.Add("$id", SqliteType.Integer);
        var key = insert.Parameters.Add("$key", SqliteType.Text);
        var at = insert.Parameters.Add("$at", SqliteType.Integer);
        insert.Parameters.Add("$output", SqliteType.Blob).Value = output;
        var watch = Stopwatch.StartNew();
        for (var done = 0; done < rows;)
        {
            using var transaction = connection.BeginTransaction(deferred: false);
            insert.Transaction = transaction;
            for (var i = 0; i < rowsPerCommit; i++, done++)
            {
                (run.Value, seq.Value, id.Value, key.Value, at.Value) = (1_000_000_000_000L + i, (done / rowsPerCommit) + 1, Random.Shared.NextInt64(), "a1", 1_700_000_000_000_000L + done);
                insert.ExecuteNonQuery();
            }

            transaction.Commit();
        }

        return rows / watch.Elapsed.TotalSeconds;
    }

    private static Task<Schema> MakeSchemaAsync(string folder) => Schema.MakeAsync(Path.Combine(folder, "bench.db"));
}
