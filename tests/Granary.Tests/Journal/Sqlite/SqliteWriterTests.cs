using Granary.Journal;
using Granary.Journal.Sqlite;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Xunit;

namespace Granary.Tests.Journal.Sqlite;

/// <summary>The writer's connection: its settings, and what happens when it can't write.</summary>
public sealed class SqliteWriterTests : IAsyncLifetime
{
    private readonly SqliteFile _file = new();
    private readonly Chain _run = new(1);
    private SqliteJournalStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _store = await SqliteJournalStore.OpenAsync(_file.Path, "silo-1:1");
        _store.Write([_run.Start("r")]);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _file.Dispose();
    }

    [Fact]
    public void commits_are_synced_to_the_disk_before_they_are_acknowledged()
    {
        Assert.Equal(2L, Pragma("synchronous"));
        Assert.Equal("wal", Pragma("journal_mode"));
    }

    [Fact]
    [Trait("Scenario", "X-04")]
    public void full_disk_loses_nothing_and_the_same_batch_goes_through_when_there_is_room()
    {
        Pragma($"max_page_count = {Pragma("page_count")}");
        AppendUnit[] batch = [_run.Next(_run.Steps(50, payloadBytes: 2_000)), new Chain(2).Start("s")];

        var error = Assert.Throws<StoreUnavailableException>(() => _store.Write(batch));
        Assert.Contains(_file.Path, error.Message);
        Assert.Throws<StoreUnavailableException>(() => _store.Write(batch));
        Assert.Equal(1L, Count());

        Pragma("max_page_count = 100000");
        Assert.All(_store.Write(batch), outcome => Assert.Equal(UnitResult.Committed, outcome.Result));
        Assert.Equal(52L, Count());
        Assert.Equal(UnitResult.Committed, Assert.Single(_store.Write([_run.Next(_run.Step("z"))])).Result);
    }

    [Fact]
    public void lock_of_another_program_loses_nothing()
    {
        Pragma("busy_timeout = 0");
        AppendUnit[] batch = [_run.Next(_run.Step("a1"))];
        using (var other = new SqliteConnection($"Data Source={_file.Path};Pooling=False"))
        {
            other.Open();
            using var transaction = other.BeginTransaction(deferred: false);
            Assert.Throws<StoreUnavailableException>(() => _store.Write(batch));
        }

        Assert.Equal(UnitResult.Committed, Assert.Single(_store.Write(batch)).Result);
        Assert.Equal(2L, Count());
    }

    [Fact]
    public void broken_connection_is_replaced()
    {
        AppendUnit[] batch = [_run.Next(_run.Step("a1"))];
        _store.Write(batch);
        Pragma("query_only = 1");
        AppendUnit[] next = [_run.Next(_run.Step("a2"))];
        Assert.Throws<StoreUnavailableException>(() => _store.Write(next));

        Assert.Equal(UnitResult.Committed, Assert.Single(_store.Write(next)).Result);
        Assert.Equal(2L, Pragma("synchronous"));
        Assert.Equal(3L, Count());
    }

    [Fact]
    public void payload_that_sqlite_cannot_hold_fails_its_own_unit_only()
    {
        raw.sqlite3_limit(_store.WriterConnection.Handle, raw.SQLITE_LIMIT_LENGTH, 100_000);
        var big = _run.Unit(_run.Step("a1"), _run.Step("a2") with { Output = new Payload("json", new byte[200_000]) });
        var outcomes = _store.Write([big, new Chain(2).Start("s")]);

        Assert.Equal([UnitResult.Rejected, UnitResult.Committed], outcomes.Select(o => o.Result));
        Assert.Equal(raw.SQLITE_TOOBIG, Assert.IsType<SqliteException>(outcomes[0].Error).SqliteErrorCode);
        Assert.Equal(UnitResult.Committed, Assert.Single(_store.Write([_run.Next(_run.Step("a1"))])).Result);
    }

    [Fact]
    public async Task writes_and_reads_go_on_beside_each_other()
    {
        using var reader = new SqliteConnection($"Data Source={_file.Path};Pooling=False");
        reader.Open();
        using var transaction = reader.BeginTransaction(deferred: true);
        using var command = reader.CreateCommand();
        command.CommandText = "select count(*) from granary_journal";
        Assert.Equal(1L, command.ExecuteScalar());

        _store.Write([_run.Next(_run.Step("a1"))]);
        Assert.Equal(1L, command.ExecuteScalar());
        Assert.Equal(2, (await _store.ReadHeadAsync(1, TestContext.Current.CancellationToken))!.Value.Seq);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("", true)]
    [InlineData("-wal", false)]
    [InlineData("-shm", true)]
    public void nothing_is_acknowledged_that_went_into_a_file_which_was_deleted_or_replaced(string suffix, bool replaced)
    {
        Assert.Equal(UnitResult.Committed, Assert.Single(_store.Write([_run.Next(_run.Step("a1"))])).Result);
        var file = _file.Path + suffix;
        if (replaced)
        {
            File.Copy(file, file + ".copy");
            File.Move(file + ".copy", file, overwrite: true);
        }
        else
        {
            File.Delete(file);
        }

        for (var i = 0; i < 2; i++)
        {
            var outcome = Assert.Single(_store.Write([_run.Next(_run.Step("a2"))]));
            Assert.Equal(UnitResult.Fenced, outcome.Result);
            Assert.Equal("GRN3001", Assert.IsType<StoreException>(outcome.Error).Code);
            Assert.Contains($"'{file}'", outcome.Error!.Message);
        }
    }

    [Fact]
    public async Task closed_store_says_so()
    {
        await _store.DisposeAsync();
        Assert.Throws<InvalidOperationException>(() => _store.Write([_run.Next(_run.Step("a1"))]));
        await Assert.ThrowsAsync<InvalidOperationException>(() => _store.FindRunAsync("r", TestContext.Current.CancellationToken));
        await _store.DisposeAsync();
    }

    [Fact]
    public void storm_of_fenced_runs_is_one_batch()
    {
        // A silo that was stopped while all its runs were taken over.
        var runs = Enumerable.Range(10, 256).Select(i => new Chain(i)).ToList();
        _store.Write([.. runs.Select(r => r.Start($"r{r.RunKey}"))]);
        _store.Write([.. runs.Select(r => r.Twin(2)).Select(r => r.Next(r.Row(FactKind.Claimed)))]);
        var outcomes = _store.Write([.. runs.Select(r => r.Next(r.Step("a1"))), _run.Next(_run.Step("a1"))]);
        Assert.Equal(256, outcomes.Count(o => o.Result == UnitResult.Fenced));
        Assert.Equal(UnitResult.Committed, outcomes[^1].Result);
    }

    private object? Pragma(string text)
    {
        using var command = _store.WriterConnection.CreateCommand();
        command.CommandText = $"pragma {text}";
        return command.ExecuteScalar();
    }

    private long Count() => (long)_file.Sql("select count(*) from granary_journal")[0][0]!;
}
