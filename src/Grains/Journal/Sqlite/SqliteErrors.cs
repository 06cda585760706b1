using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Granary.Journal.Sqlite;

/// <summary>What SQLite's errors mean: for one unit, for a batch, and for a start.</summary>
internal static class SqliteErrors
{
    /// <summary>Whether the data of one unit is at fault: the same data will be refused again, and the others are not touched.</summary>
    public static bool IsOfOneUnit(Exception e) => e switch
    {
        SqliteException s => s.SqliteErrorCode is raw.SQLITE_CONSTRAINT or raw.SQLITE_TOOBIG or raw.SQLITE_MISMATCH or raw.SQLITE_RANGE,

        // Text that has no UTF-8 form, rows out of order.
        ArgumentException => true,
        _ => false,
    };

    /// <summary>Whether a unique key is taken.</summary>
    public static bool IsDuplicate(SqliteException e) => e.SqliteExtendedErrorCode
        is raw.SQLITE_CONSTRAINT_PRIMARYKEY or raw.SQLITE_CONSTRAINT_UNIQUE or raw.SQLITE_CONSTRAINT_ROWID;

    /// <summary>Whether the connection is as good as before: there was no room, or somebody else's lock.</summary>
    public static bool LeavesConnectionSound(SqliteException e) =>
        e.SqliteErrorCode is raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_FULL or raw.SQLITE_NOMEM or raw.SQLITE_INTERRUPT;

    public static StoreUnavailableException Unavailable(string path, Exception e) =>
        new($"SQLite file '{path}': {(e is SqliteException sqlite ? Reason(sqlite) : e.Message).TrimEnd('.')}", e);

    public static StoreException HeldBy(string path, StoreProcess? holder) => new("GRN3001",
        $"The database '{path}' is in use by {(holder is null ? "another process" : holder.ToString())}.",
        "Stop that process, or give this one a file of its own (Granary:DataPath).");

    public static StoreException TakenOver(string path) => new("GRN3001",
        $"The database '{path}' was taken over by another process, because '{SqliteFileLock.PathOf(path)}' was deleted or the file was replaced.",
        "Restart this process, and leave the lock file where it is.");

    public static StoreException Removed(string path, string file) => new("GRN3001",
        $"The database '{path}' was changed under this process: '{file}' was deleted, or another file is in its place.",
        "Restore the database from a backup where it is lost, and restart this process. Never delete or replace FILE, FILE-wal or FILE-shm while a process has the database open.");

    public static StoreException NoLocks(string path, string lockFile) => new("GRN3006",
        $"The database '{path}' can't be protected: its file system doesn't keep the lock on '{lockFile}'.",
        "Put the file on a local disk.");

    /// <summary>Why a path can't be followed, or the lock file not be opened.</summary>
    public static StoreException Reaching(string path, Exception e) => e switch
    {
        DirectoryNotFoundException => NoFolder(path, e),
        UnauthorizedAccessException => NotAllowed(path, e.Message, e),
        _ => new StoreException("GRN3006", $"The database '{path}' can't be reached: {e.Message}", "Put the file on a local disk that has room.", e),
    };

    /// <summary>Why a database can't be opened.</summary>
    public static StoreException Opening(string path, SqliteException e) => e.SqliteErrorCode switch
    {
        raw.SQLITE_NOTADB => new StoreException("GRN3002", $"The file '{path}' is not a SQLite database.",
            "Check the path; restore the file from a backup, or move it away to begin with an empty one.", e),
        raw.SQLITE_CORRUPT => new StoreException("GRN3002", $"The database '{path}' is damaged: {Reason(e)}",
            "Restore it from a backup, or try 'sqlite3 FILE .recover'.", e),
        raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_AUTH => NotAllowed(path, Reason(e), e),
        raw.SQLITE_CANTOPEN when Directory.Exists(path) => IsFolder(path, e),
        raw.SQLITE_CANTOPEN when !Directory.Exists(Path.GetDirectoryName(path)) => NoFolder(path, e),
        raw.SQLITE_CANTOPEN => NotAllowed(path, Reason(e), e),
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new StoreException("GRN3001", $"The database '{path}' is locked: {Reason(e)}",
            "Another program has a transaction open in it: end that.", e),
        raw.SQLITE_FULL => new StoreException("GRN3006", $"The database '{path}' can't grow: {Reason(e)}", "Make room on its disk.", e),
        _ => new StoreException("GRN3006", $"The database '{path}' can't be reached: {Reason(e)}", "Check its disk; put the file on a local one.", e),
    };

    private static StoreException NoFolder(string path, Exception e) => new("GRN3006",
        $"The folder of the database '{path}' doesn't exist.", "Make it, or set Granary:DataPath.", e);

    private static StoreException IsFolder(string path, Exception e) => new("GRN3006",
        $"The database's path '{path}' is a folder.", "Name a file in Granary:DataPath.", e);

    private static StoreException NotAllowed(string path, string why, Exception e) => new("GRN3003",
        $"The database '{path}' can't be written: {why}", "Let this user write the file and its folder.", e);

    private static string Reason(SqliteException e) => $"{raw.sqlite3_errstr(e.SqliteErrorCode).utf8_to_string()} ({e.SqliteExtendedErrorCode}).";
}
