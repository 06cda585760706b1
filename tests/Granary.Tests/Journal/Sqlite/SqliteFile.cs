using Microsoft.Data.Sqlite;

namespace Granary.Tests.Journal.Sqlite;

/// <summary>A folder of its own for one test's database.</summary>
internal sealed class SqliteFile : IDisposable
{
    public SqliteFile() => Path = System.IO.Path.Combine(Folder, "granary.db");

    public string Folder { get; } = Directory.CreateTempSubdirectory("granary-store-").FullName;

    public string Path { get; }

    /// <summary>Runs SQL on a connection of its own and returns the rows of the last statement that has some.</summary>
    public List<object?[]> Sql(string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<object?[]>();
        while (reader.Read())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
                row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
            rows.Add(row);
        }

        return rows;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
