using Microsoft.Data.Sqlite;

namespace Granary.Journal.Sqlite;

/// <summary>Columns that may be null.</summary>
internal static class SqliteColumns
{
    public static string? TextOrNull(this SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static byte[]? BytesOrNull(this SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);

    public static DateTimeOffset? TimeOrNull(this SqliteDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : SqliteTime.FromMicroseconds(reader.GetInt64(column));

    /// <summary>The payload whose codec stands in this column and whose bytes in the next.</summary>
    public static Payload? PayloadOrNull(this SqliteDataReader reader, int codecColumn) =>
        reader.IsDBNull(codecColumn) ? null : new Payload(reader.GetString(codecColumn), reader.GetFieldValue<byte[]>(codecColumn + 1));
}
