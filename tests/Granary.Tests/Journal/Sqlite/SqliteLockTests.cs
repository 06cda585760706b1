using System.Diagnostics;
using System.Text.Json;
using Granary.Journal;
using Granary.Journal.Sqlite;
using Xunit;

namespace Granary.Tests.Journal.Sqlite;

/// <summary>One process a file, whatever name it is reached by.</summary>
public sealed class SqliteLockTests : IDisposable
{
    private readonly SqliteFile _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task second_process_is_refused_and_told_who_has_the_file()
    {
        await using var store = await Open();
        using var child = await StoreChild.StartAsync(_file.Path);

        Assert.StartsWith("GRN3001: ", child.Answer);
        Assert.Contains(_file.Path, child.Answer);
        Assert.Contains($"process {Environment.ProcessId} on {Environment.MachineName}, started ", child.Answer);
    }

    [Fact]
    public async Task file_of_a_living_process_is_refused_at_once_even_while_that_process_is_stopped()
    {
        using var child = await StoreChild.StartAsync(_file.Path);
        Assert.Equal("open", child.Answer);
        child.Signal("STOP");

        // At once: only a holder that is gone is waited for, five seconds.
        var clock = Stopwatch.StartNew();
        var error = await Assert.ThrowsAsync<StoreException>(Open);
        Assert.Equal("GRN3001", error.Code);
        Assert.Contains($"process {child.Pid} on", error.Message);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(4.9));
    }

    [Fact]
    public async Task file_of_a_killed_process_is_free()
    {
        using var child = await StoreChild.StartAsync(_file.Path);
        child.Signal("KILL");
        await using var store = await Open();
        Assert.Equal(2L, Epoch());
    }

    [Fact]
    public async Task file_is_free_after_its_process_closed_it()
    {
        await (await Open()).DisposeAsync();
        await using var store = await Open();
        Assert.Equal(2L, Epoch());
    }

    [Fact]
    public async Task second_store_in_the_same_process_is_refused_and_does_not_free_the_first()
    {
        await using var store = await Open();
        Assert.Equal("GRN3001", (await Assert.ThrowsAsync<StoreException>(Open)).Code);

        // Reading the lock file or failing to lock must not have freed it.
        _ = await File.ReadAllTextAsync(_file.Path + ".lock", TestContext.Current.CancellationToken);
        using var child = await StoreChild.StartAsync(_file.Path);
        Assert.StartsWith("GRN3001: ", child.Answer);
    }

    [Fact]
    public async Task links_and_relative_paths_lead_to_the_same_lock()
    {
        await using var store = await Open();
        var fileLink = Path.Combine(_file.Folder, "link.db");
        File.CreateSymbolicLink(fileLink, "granary.db");
        var folderLink = Path.Combine(_file.Folder, "folder");
        Directory.CreateSymbolicLink(folderLink, _file.Folder);
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, _file.Path);
        string[] names = [fileLink, Path.Combine(folderLink, "link.db"), relative, Path.Combine(folderLink, "..", Path.GetFileName(_file.Folder), "granary.db")];

        foreach (var name in names)
        {
            var error = await Assert.ThrowsAsync<StoreException>(() => SqliteJournalStore.OpenAsync(name, "silo-2:1"));
            Assert.Equal("GRN3001", error.Code);
            Assert.Contains(_file.Path, error.Message);
        }
    }

    [Fact]
    public async Task link_to_a_file_that_is_not_there_yet_makes_that_file()
    {
        var link = Path.Combine(_file.Folder, "link.db");
        File.CreateSymbolicLink(link, _file.Path);
        await using var store = await SqliteJournalStore.OpenAsync(link, "silo-1:1");
        Assert.True(File.Exists(_file.Path));
        Assert.True(File.Exists(_file.Path + ".lock"));
        Assert.False(File.Exists(link + ".lock"));
    }

    [Fact]
    public async Task links_in_a_circle_are_an_error_and_no_endless_loop()
    {
        File.CreateSymbolicLink(_file.Path, _file.Path + "2");
        File.CreateSymbolicLink(_file.Path + "2", _file.Path);
        Assert.Equal("GRN3006", (await Assert.ThrowsAsync<StoreException>(Open)).Code);
    }

    [Fact]
    public async Task lock_file_tells_who_holds_the_database_without_the_lock_and_stays()
    {
        await using (var store = await Open())
        {
            store.Publish("http://127.0.0.1:5080");
            var holder = JsonDocument.Parse(await File.ReadAllTextAsync(_file.Path + ".lock", TestContext.Current.CancellationToken)).RootElement;
            Assert.Equal(Environment.ProcessId, holder.GetProperty("pid").GetInt32());
            Assert.Equal(Environment.MachineName, holder.GetProperty("host").GetString());
            Assert.Equal("silo-1:1", holder.GetProperty("incarnation").GetString());
            Assert.Equal("http://127.0.0.1:5080", holder.GetProperty("url").GetString());
            using var self = Process.GetCurrentProcess();
            Assert.Equal(self.StartTime.ToUniversalTime(), holder.GetProperty("startedAt").GetDateTimeOffset().UtcDateTime);
        }

        Assert.True(File.Exists(_file.Path + ".lock"));
    }

    [Fact]
    public async Task deleted_lock_file_lets_no_second_process_in()
    {
        using var child = await StoreChild.StartAsync(_file.Path);
        File.Delete(_file.Path + ".lock");
        var error = await Assert.ThrowsAsync<StoreException>(Open);
        Assert.Equal("GRN3001", error.Code);
        Assert.Contains($"process {child.Pid} on", error.Message);
    }

    [Fact]
    public async Task deleted_lock_file_lets_no_second_store_of_this_process_in()
    {
        await using var store = await Open();
        File.Delete(_file.Path + ".lock");
        Assert.Equal("GRN3001", (await Assert.ThrowsAsync<StoreException>(Open)).Code);
    }

    [Fact]
    public async Task process_whose_file_was_taken_over_writes_nothing_more()
    {
        await using var store = await Open();
        var run = new Chain(1);
        store.Write([run.Start("r")]);

        // What a second process does that got past the lock, for example on another host.
        _file.Sql("update granary_process set epoch = epoch + 1, incarnation = 'silo-2:1'");
        var outcomes = store.Write([run.Next(run.Step("a1")), new Chain(2).Start("s")]);

        Assert.All(outcomes, outcome =>
        {
            Assert.Equal(UnitResult.Fenced, outcome.Result);
            Assert.Equal("GRN3001", Assert.IsType<StoreException>(outcome.Error).Code);
        });
        Assert.Equal(1L, _file.Sql("select count(*) from granary_journal")[0][0]);

        // It stays so, even if the row should come back.
        _file.Sql("update granary_process set epoch = epoch - 1");
        Assert.Equal(UnitResult.Fenced, Assert.Single(store.Write([run.Twin().Next(run.Step("a1"))])).Result);
    }

    [Fact]
    public async Task copy_of_a_file_in_use_can_be_opened()
    {
        using var child = await StoreChild.StartAsync(_file.Path);
        var copy = Path.Combine(_file.Folder, "copy.db");
        _file.Sql($"vacuum into '{copy}'");
        await using var store = await SqliteJournalStore.OpenAsync(copy, "silo-1:1");
        Assert.Equal(UnitResult.Committed, Assert.Single(store.Write([new Chain(1).Start("r")])).Result);
    }

    private long Epoch() => (long)_file.Sql("select epoch from granary_process")[0][0]!;

    private Task<SqliteJournalStore> Open() => SqliteJournalStore.OpenAsync(_file.Path, "silo-1:1");
}
