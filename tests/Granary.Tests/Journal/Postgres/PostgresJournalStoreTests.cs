using Granary.Journal;
using Granary.Journal.Postgres;
using Xunit;

namespace Granary.Tests.Journal.Postgres;

/// <summary>Postgres passes what every store must.</summary>
[Trait("Speed", "Slow")]
public sealed class PostgresJournalStoreTests : JournalStoreCompliance
{
    private readonly PostgresDatabase _database = new();

    private protected override async Task<IJournalStore> OpenAsync() => await PostgresJournalStore.OpenAsync(_database.ConnectionString);

    private protected override List<object?[]> Sql(string sql) => _database.Sql(sql);

    private protected override string[] Columns(string view) => _database.Columns(view);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _database.Dispose();
    }
}
