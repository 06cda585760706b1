namespace Granary.Journal.Sqlite;

/// <summary>
/// The files of a database as they were when it was opened. SQLite itself goes on writing to files that were deleted or
/// replaced under it; nothing of that would be found again.
/// </summary>
internal sealed class OpenFiles(string path)
{
    private static readonly string[] _suffixes = ["", "-wal", "-shm"];

    private readonly FileIdentity?[] _known = new FileIdentity?[_suffixes.Length];

    /// <summary>The file that is another one now, or none; null while all are the same. A file is known from when it is first seen.</summary>
    public string? Lost()
    {
        for (var i = 0; i < _suffixes.Length; i++)
        {
            var now = FileIdentity.Of(path + _suffixes[i]);
            if (_known[i] is { } known && now != known)
                return path + _suffixes[i];
            _known[i] = now;
        }

        return null;
    }

    /// <summary>With its last connection SQLite itself removes what stands beside a database.</summary>
    public void ForgetSideFiles() => Array.Clear(_known, 1, _known.Length - 1);
}
