using Microsoft.Data.Sqlite;

namespace Granary.Bench;

/// <summary>A SQLite file in a temporary folder.</summary>
internal sealed class SqliteStore : BenchStore
{
    private readonly string _folder = Directory.CreateTempSubdirectory("granary-bench-").FullName;
    private int _files = 1;

    public override StoreAddress Address => new(Path.Combine(_folder, $"bench{_files}.db"), null, null);

    public override Task<double> LimitAsync(int rows, int rowsPerCommit) => SqliteLimit.RowsPerSecondAsync(rows, rowsPerCommit);

    public override Task EmptyAsync()
    {
        _files++;
        return Task.CompletedTask;
    }

    public override Task<long> NumberAsync(string sql)
    {
        using var connection = Open();
        return Task.FromResult(Number(connection, sql.Replace("{runs}", "granary_runs", StringComparison.Ordinal)));
    }

    public override Task<long> BytesAsync()
    {
        using var connection = Open();
        return Task.FromResult(Number(connection, "pragma page_count") * Number(connection, "pragma page_size"));
    }

    public override async Task<double> TransactionsPerSecondAsync(TimeSpan span)
    {
        // The number changes with each commit of another connection; two within one look count as one.
        using var connection = Open();
        var (changes, last) = (0, Number(connection, "pragma data_version"));
        var begun = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begun) < span)
        {
            await Task.Delay(5);
            var now = Number(connection, "pragma data_version");
            changes += now == last ? 0 : 1;
            last = now;
        }

        return changes / TimeProvider.System.GetElapsedTime(begun).TotalSeconds;
    }

    public override ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={Address.DataPath};Pooling=False;Default Timeout=30");
        connection.Open();
        return connection;
    }

    private static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }
}
