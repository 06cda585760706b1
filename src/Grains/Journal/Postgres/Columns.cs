using Npgsql;
using NpgsqlTypes;

namespace Granary.Journal.Postgres;

/// <summary>Parameters that are columns, and columns that may be null.</summary>
internal static class Columns
{
    public static void Add<T>(this NpgsqlBatchCommand command, NpgsqlDbType type, T[] column) =>
        command.Parameters.Add(new NpgsqlParameter<T[]> { NpgsqlDbType = NpgsqlDbType.Array | type, TypedValue = column });

    /// <summary>A statement more for the batch.</summary>
    public static NpgsqlBatchCommand Add(NpgsqlBatch batch, string sql)
    {
        var command = new NpgsqlBatchCommand(sql);
        batch.BatchCommands.Add(command);
        return command;
    }

    /// <summary>One value of each row.</summary>
    public static TColumn[] Column<TRow, TColumn>(IReadOnlyList<TRow> rows, Func<TRow, TColumn> value)
    {
        var column = new TColumn[rows.Count];
        for (var i = 0; i < column.Length; i++)
            column[i] = value(rows[i]);
        return column;
    }

    public static string? TextOrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static byte[]? BytesOrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);

    public static byte[]? Utf8OrNull(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : System.Text.Encoding.UTF8.GetBytes(reader.GetString(column));

    public static DateTimeOffset Time(this NpgsqlDataReader reader, int column) => new(reader.GetDateTime(column), TimeSpan.Zero);

    public static DateTimeOffset? TimeOrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.Time(column);

    /// <summary>The payload whose codec stands in this column and whose bytes in the next.</summary>
    public static Payload? PayloadOrNull(this NpgsqlDataReader reader, int codecColumn) =>
        reader.IsDBNull(codecColumn) ? null : new Payload(reader.GetString(codecColumn), reader.GetFieldValue<byte[]>(codecColumn + 1));
}
