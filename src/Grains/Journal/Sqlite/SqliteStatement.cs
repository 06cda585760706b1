using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Granary.Journal.Sqlite;

/// <summary>
/// A statement that is prepared once and run many times, by the writer's thread only. Binds by number: the provider's
/// commands look parameters up by name for every row, which costs more than the insert.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    // Invalid text must be refused: replaced silently, two ids could become one.
    private static readonly UTF8Encoding _utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    public SqliteStatement(sqlite3 database, string sql)
    {
        _database = database;
        Check(raw.sqlite3_prepare_v3(database, sql, raw.SQLITE_PREPARE_PERSISTENT, out _statement));
    }

    public void Bind(int index, long value) => Check(raw.sqlite3_bind_int64(_statement, index, value));

    public void Bind(int index, DateTimeOffset? value)
    {
        if (value is { } time)
            Bind(index, SqliteTime.ToMicroseconds(time));
        else
            Check(raw.sqlite3_bind_null(_statement, index));
    }

    /// <exception cref="ArgumentException">It has half of a surrogate pair or a NUL.</exception>
    public void Bind(int index, string? value)
    {
        if (value is null)
        {
            Check(raw.sqlite3_bind_null(_statement, index));
            return;
        }

        if (value.Contains('\0'))
            throw new ArgumentException("The text has a NUL, where readers of the database would cut it.");
        Check(raw.sqlite3_bind_text(_statement, index, _utf8.GetBytes(value)));
    }

    /// <summary>Binds UTF-8 as text.</summary>
    public void BindText(int index, byte[]? value) =>
        Check(value is null ? raw.sqlite3_bind_null(_statement, index) : raw.sqlite3_bind_text(_statement, index, value));

    public void Bind(int index, byte[]? value) => Check(value switch
    {
        null => raw.sqlite3_bind_null(_statement, index),
        [] => raw.sqlite3_bind_zeroblob(_statement, index, 0),
        _ => raw.sqlite3_bind_blob(_statement, index, value),
    });

    /// <summary>Runs it to its end.</summary>
    /// <returns>How many rows it changed.</returns>
    public int Run()
    {
        Step();
        Check(raw.sqlite3_reset(_statement));
        return raw.sqlite3_changes(_database);
    }

    /// <summary>Runs it for the one number it gives; null when it gives no row.</summary>
    public long? Number()
    {
        long? value = Step() ? raw.sqlite3_column_int64(_statement, 0) : null;
        Check(raw.sqlite3_reset(_statement));
        return value;
    }

    public void Dispose() => _statement.Dispose();

    /// <summary>Runs it to its next row; false when it has ended.</summary>
    private bool Step()
    {
        var code = raw.sqlite3_step(_statement);
        if (code is raw.SQLITE_ROW or raw.SQLITE_DONE)
            return code == raw.SQLITE_ROW;
        var error = Error(code);
        raw.sqlite3_reset(_statement);
        throw error;
    }

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
            throw Error(code);
    }

    // The low byte is the class of the error, the whole is the error.
    private SqliteException Error(int code) =>
        new(raw.sqlite3_errmsg(_database).utf8_to_string(), code & 0xFF, Math.Max(code, raw.sqlite3_extended_errcode(_database)));
}
