using Granary.Journal.Postgres;
using Granary.Tests.Clusters;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Journal.Postgres;

/// <summary>A database behind a real pooler.</summary>
[Trait("Speed", "Slow")]
public sealed class PgBouncerTests : IDisposable
{
    private readonly PostgresDatabase _database = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _database.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("server_round_robin = 1")]
    [InlineData("ignore_startup_parameters = search_path")]
    public async Task pooler_of_transactions_is_refused_before_anything_is_written(string more)
    {
        await using var bouncer = await PgBouncer.StartAsync(PostgresServer.Shared, "transaction", more);
        var error = await Assert.ThrowsAsync<StoreException>(() => PostgresJournalStore.OpenAsync(bouncer.ConnectionString(_database.Name)));
        Assert.Equal("GRN3012", error.Code);
        Assert.Empty(_database.Sql("select 1 from pg_namespace where nspname = 'granary'"));
    }

    [Fact]
    public async Task pooler_of_transactions_whose_connections_are_warm_is_refused_too()
    {
        await using var bouncer = await PgBouncer.StartAsync(PostgresServer.Shared, "transaction", "min_pool_size = 8\nserver_round_robin = 1");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => PostgresServer.Query(bouncer.ConnectionString(_database.Name), "select pg_sleep(0.3)"), Stop)));
        var error = await Assert.ThrowsAsync<StoreException>(() => PostgresJournalStore.OpenAsync(bouncer.ConnectionString(_database.Name)));
        Assert.Equal("GRN3012", error.Code);
    }

    [Fact]
    public async Task setting_that_a_pooler_does_not_pass_on_is_named()
    {
        await using var bouncer = await PgBouncer.StartAsync(PostgresServer.Shared, "session");
        var error = await Assert.ThrowsAsync<StoreException>(() => PostgresJournalStore.OpenAsync(bouncer.ConnectionString(_database.Name) + ";Search Path=mine"));
        Assert.Equal("GRN3012", error.Code);
        Assert.Contains("search_path", error.Message);
    }

    [Fact]
    public async Task silo_and_outside_client_work_through_a_pooler_of_sessions()
    {
        await using var bouncer = await PgBouncer.StartAsync(PostgresServer.Shared, "session");
        var connection = bouncer.ConnectionString(_database.Name);
        await using var silo = await Clusters.Silo.StartAsync(connection, granary => granary.AddWorkflow<int, int>("square", (ctx, n) => ctx.StepAsync("square", _ => Task.FromResult(n * n))));
        await using var client = await OutsideClient.ConnectAsync(connection);
        var squares = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => client.Client.Workflow<int, int>("square").RunAsync(i, cancellationToken: Stop)));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => i * i), squares);
        Assert.Equal([["succeeded", 50L]], _database.Sql("select status, count(*) from granary_runs_v group by 1"));
    }
}
