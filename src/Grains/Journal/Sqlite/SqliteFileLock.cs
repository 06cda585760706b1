using System.Collections.Concurrent;

namespace Granary.Journal.Sqlite;

/// <summary>
/// Keeps a second process off a database: a locked side file, <c>&lt;path&gt;.lock</c>, that tells who holds it and is never
/// deleted. SQLite's own locks can't serve, for Orleans' tables in the same file have connections of their own.
/// </summary>
internal sealed class SqliteFileLock : IDisposable
{
    private const int MaxReplacements = 10;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    // Should somebody delete the lock file, a second store of this process would lock a new one.
    private static readonly ConcurrentDictionary<string, bool> _heldHere = new();

    private readonly string _database;
    private readonly ExclusiveHandle _handle;
    private StoreProcess _holder;

    private SqliteFileLock(string database, ExclusiveHandle handle, StoreProcess holder)
    {
        _database = database;
        _handle = handle;
        _holder = holder;
        _handle.Write(holder.ToJson());
    }

    public static string PathOf(string database) => database + ".lock";

    /// <summary>Takes the lock of a database, waiting a few seconds only for a holder that is gone but not yet cleared away.</summary>
    /// <param name="database">Its canonical path.</param>
    /// <param name="self">Who takes it.</param>
    /// <exception cref="StoreException"><c>GRN3001</c> another process has it; <c>GRN3006</c> its file system has no locks.</exception>
    /// <exception cref="IOException">The side file can't be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The side file can't be opened.</exception>
    public static SqliteFileLock Take(string database, StoreProcess self)
    {
        if (!_heldHere.TryAdd(database, true))
            throw SqliteErrors.HeldBy(database, self);
        try
        {
            return new SqliteFileLock(database, LockFile(database), self);
        }
        catch
        {
            _heldHere.TryRemove(database, out _);
            throw;
        }
    }

    /// <summary>Tells in the file where this process can be reached.</summary>
    public void Publish(string url)
    {
        _holder = _holder with { Url = url };
        _handle.Write(_holder.ToJson());
    }

    public void Dispose()
    {
        _handle.Dispose();
        _heldHere.TryRemove(_database, out _);
    }

    private static ExclusiveHandle LockFile(string database)
    {
        var path = PathOf(database);
        var giveUpAt = Environment.TickCount64 + (long)_patience.TotalMilliseconds;
        for (var replaced = 0; replaced < MaxReplacements;)
        {
            var handle = ExclusiveHandle.TryOpen(path, FileMode.OpenOrCreate);
            if (handle is null)
            {
                var holder = ReadHolder(path);
                if (!IsGone(holder) || Environment.TickCount64 >= giveUpAt)
                    throw SqliteErrors.HeldBy(database, holder);
                Thread.Sleep(_pause);
            }
            else if (IsStillNamed(path))
            {
                return handle;
            }
            else
            {
                handle.Dispose();
                replaced++;
            }
        }

        throw SqliteErrors.NoLocks(database, path);
    }

    /// <summary>A process that was killed a moment ago may still look alive: look twice.</summary>
    private static bool IsGone(StoreProcess? holder)
    {
        if (holder is null)
            return false;
        if (holder.IsGone())
            return true;
        Thread.Sleep(_pause);
        return holder.IsGone();
    }

    /// <summary>
    /// Whether the path names the file that we have locked: then a second handle can't lock it. It can when the file was
    /// deleted or replaced before we had it, and where the file system only pretends to lock.
    /// </summary>
    private static bool IsStillNamed(string path)
    {
        try
        {
            using var second = ExclusiveHandle.TryOpen(path, FileMode.Open);
            return second is null;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    private static StoreProcess? ReadHolder(string path)
    {
        try
        {
            return StoreProcess.FromJson(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
