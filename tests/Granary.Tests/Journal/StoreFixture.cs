using Granary.Journal;
using Xunit;

namespace Granary.Tests.Journal;

/// <summary>What a compliance test needs of a store's database: one of its own, opened as often as it likes, and its SQL.</summary>
public abstract class StoreFixture : IAsyncLifetime
{
    private protected const string Me = "silo-1:100";

    private IJournalStore? _store;

    private protected IJournalStore Store => _store ?? throw new InvalidOperationException("The store is opened by InitializeAsync.");

    /// <summary>Opens this test's database.</summary>
    private protected abstract Task<IJournalStore> OpenAsync();

    /// <summary>Runs SQL on a connection of its own and returns the rows. Tables and views are named as on SQLite.</summary>
    private protected abstract List<object?[]> Sql(string sql);

    public virtual async ValueTask InitializeAsync() => _store = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        if (_store is not null)
            await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        _store = await OpenAsync();
    }

    private protected UnitOutcome Write(AppendUnit unit) => Assert.Single(Store.Write([unit]));

    /// <summary>Writes a unit, which must be committed.</summary>
    private protected void Commit(AppendUnit unit)
    {
        var outcome = Write(unit);
        Assert.True(outcome.Result == UnitResult.Committed, $"{outcome.Result}: {outcome.Error}");
    }

    /// <summary>The numbers of a run's rows.</summary>
    private protected long[] Numbers(long runKey) =>
        [.. Sql($"select seq from granary_journal where run_key = {runKey} order by seq").Select(row => (long)row[0]!)];

    private protected object? Value(string sql) => Assert.Single(Assert.Single(Sql(sql)));

    private protected static void AssertSame(Payload? expected, Payload? actual)
    {
        Assert.Equal(expected?.Codec, actual?.Codec);
        Assert.Equal(expected?.Bytes, actual?.Bytes);
    }

    /// <summary>Starts a run and returns its chain.</summary>
    private protected Chain Started(string id, long key = 1, string owner = Me)
    {
        var chain = new Chain(key);
        Commit(chain.Start(id, owner));
        return chain;
    }
}
