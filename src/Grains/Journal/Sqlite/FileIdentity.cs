using System.Runtime.InteropServices;

namespace Granary.Journal.Sqlite;

/// <summary>
/// Which file a path names: its device and inode. Where the system doesn't tell (only Linux is asked) just whether there
/// is one, which is enough where open files can't be deleted.
/// </summary>
internal readonly partial record struct FileIdentity(ulong Device, ulong Inode)
{
    private const int AtWorkingDirectory = -100;
    private const uint WantInode = 0x100;

    /// <summary>The file at a path; null when there is none.</summary>
    public static FileIdentity? Of(string path)
    {
        if (!OperatingSystem.IsLinux())
            return File.Exists(path) ? new FileIdentity(0, 0) : null;

        // struct statx has one layout on all architectures: ino at 32, dev_major at 136, dev_minor at 140.
        Span<byte> buffer = stackalloc byte[256];
        if (Statx(AtWorkingDirectory, path, 0, WantInode, ref MemoryMarshal.GetReference(buffer)) != 0)
            return null;
        return new FileIdentity(MemoryMarshal.Read<ulong>(buffer[136..]), MemoryMarshal.Read<ulong>(buffer[32..]));
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, ref byte buffer);
}
