using Microsoft.Data.Sqlite;

namespace Granary.Tests.Hosting;

/// <summary>A database file that several applications use one after the other; it goes with this.</summary>
internal sealed class TestDatabase : IDisposable
{
    public string Path { get; } = TestData.NewPath();

    public Task<TestApp> StartAsync(Action<IGranaryBuilder> configure) => TestApp.StartAsync(configure, Path);

    public List<object?[]> Query(string sql) => TestData.Query(Path, sql);

    /// <summary>The numbers of rows of a run's journal by kind.</summary>
    public int Count(string runId, string kind) =>
        Convert.ToInt32(Query($"select count(*) from granary_journal_v where run_id = '{runId}' and kind = '{kind}'")[0][0]);

    /// <summary>Writes as another program would, on a connection of its own.</summary>
    public void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path};Pooling=False;Default Timeout=30");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public void Dispose() => TestData.Delete(Path);
}
