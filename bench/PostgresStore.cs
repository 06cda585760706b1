using Granary.Journal.Postgres;
using Granary.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Granary.Bench;

/// <summary>Two schemas in a Postgres database: the product's, and one of the same tables for its limit.</summary>
internal sealed class PostgresStore : BenchStore
{
    private const string Schema = "granary_bench";
    private const string LimitSchema = "granary_bench_limit";

    private readonly string _connection;
    private readonly PostgresProcess? _server;

    private PostgresStore(string connection, PostgresProcess? server)
    {
        _connection = connection;
        _server = server;
    }

    public override StoreAddress Address => new(null, _connection, Schema);

    public static async Task<PostgresStore> MakeAsync(string? connection)
    {
        var server = connection is null ? PostgresProcess.Start() : null;
        var store = new PostgresStore(connection ?? server!.ConnectionString("postgres"), server);
        await store.EmptyAsync();
        await store.ExecuteAsync($"drop schema if exists {LimitSchema} cascade");
        var options = new GranaryOptions();
        options.Journal.Schema = LimitSchema;
        await using var schema = new PostgresJournalStore(store._connection, Microsoft.Extensions.Options.Options.Create(options), NullLogger<PostgresJournalStore>.Instance);
        await schema.OpenAsync(CancellationToken.None);
        return store;
    }

    public override Task<double> LimitAsync(int rows, int rowsPerCommit) => Task.FromResult(PostgresLimit.RowsPerSecond(_connection, LimitSchema, rows, rowsPerCommit));

    public override Task EmptyAsync() => ExecuteAsync($"drop schema if exists {Schema} cascade");

    public override async Task<long> NumberAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql.Replace("{runs}", $"{Schema}.runs", StringComparison.Ordinal), connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), System.Globalization.CultureInfo.InvariantCulture);
    }

    public override Task<long> BytesAsync() => NumberAsync($"""
        select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = '{Schema}' and c.relkind = 'r'
        """);

    public override async Task<double> TransactionsPerSecondAsync(TimeSpan span)
    {
        // Reads are transactions too. The server publishes its counters once a second; those of the two looks are taken off.
        const string sql = "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()";
        var before = await NumberAsync(sql);
        var begun = TimeProvider.System.GetTimestamp();
        await Task.Delay(span);
        return Math.Max(0, await NumberAsync(sql) - before - 1) / TimeProvider.System.GetElapsedTime(begun).TotalSeconds;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_server is null)
        {
            await EmptyAsync();
            await ExecuteAsync($"drop schema if exists {LimitSchema} cascade");
        }

        _server?.Stop();
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(_connection + ";Pooling=false");
        await connection.OpenAsync();
        return connection;
    }
}
