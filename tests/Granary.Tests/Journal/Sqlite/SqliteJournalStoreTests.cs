using Granary.Journal;
using Granary.Journal.Sqlite;

namespace Granary.Tests.Journal.Sqlite;

/// <summary>SQLite passes what every store must.</summary>
public sealed class SqliteJournalStoreTests : JournalStoreCompliance
{
    private readonly SqliteFile _file = new();

    private protected override async Task<IJournalStore> OpenAsync() => await SqliteJournalStore.OpenAsync(_file.Path, Me);

    private protected override List<object?[]> Sql(string sql) => _file.Sql(sql);

    private protected override string[] Columns(string view) =>
        [.. _file.Sql($"select name from pragma_table_info('{view}') order by cid").Select(row => (string)row[0]!)];

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Dispose();
    }
}
