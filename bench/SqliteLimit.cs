using System.Diagnostics;
using System.Text;
using Granary.Journal.Sqlite;
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
        values (?1, ?2, 1, ?3, 'StepSucceeded', ?4, 'step', 'step', 0, ?5, ?5, 'json', ?6)
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

        // The fastest way there is in this process: prepared once, bound by number, as the product's own writer does.
        var output = Encoding.UTF8.GetBytes($"\"{Product.Payload}\"");
        using var insert = new SqliteStatement(connection.Handle!, Table);
        using var begin = new SqliteStatement(connection.Handle!, "begin immediate");
        using var commit = new SqliteStatement(connection.Handle!, "commit");
        var watch = new Stopwatch();
        var warm = rows / 2 / rowsPerCommit * rowsPerCommit;
        for (var done = 0; done < rows + warm;)
        {
            // The first commits make the log's file longer, which costs more than to write it again.
            if (done == warm)
                watch.Start();
            begin.Run();
            for (var i = 0; i < rowsPerCommit; i++, done++)
            {
                insert.Bind(1, 1_000_000_000_000L + i);
                insert.Bind(2, (done / rowsPerCommit) + 1L);
                insert.Bind(3, Random.Shared.NextInt64());
                insert.Bind(4, "a1");
                insert.Bind(5, 1_700_000_000_000_000L + done);
                insert.Bind(6, output);
                insert.Run();
            }

            commit.Run();
        }

        return rows / watch.Elapsed.TotalSeconds;
    }

    private static Task<Schema> MakeSchemaAsync(string folder) => Schema.MakeAsync(Path.Combine(folder, "bench.db"));
}
