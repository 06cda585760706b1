using Granary.Journal.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Granary.Bench;

/// <summary>An empty database of the product's own schema.</summary>
internal sealed class Schema(SqliteJournalStore store) : IAsyncDisposable
{
    public static async Task<Schema> MakeAsync(string path)
    {
        var store = new SqliteJournalStore(path, "bench", TimeProvider.System, Microsoft.Extensions.Options.Options.Create(new GranaryOptions()),
            NullLogger<SqliteJournalStore>.Instance);
        await store.OpenAsync(CancellationToken.None);
        return new Schema(store);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
