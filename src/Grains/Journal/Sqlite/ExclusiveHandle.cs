using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Granary.Journal.Sqlite;

/// <summary>
/// An open file under an exclusive lock that lets others read it. On Linux that is a lock of the open file description:
/// two handles in one process exclude each other, closing another handle doesn't free it (as it would a POSIX lock),
/// readers needn't lock (as .NET's readers would under flock), it holds while its holder is stopped and ends with it.
/// </summary>
internal sealed class ExclusiveHandle : IDisposable
{
    private const int WouldBlock = 11;
    private const int WouldBlockOnMac = 35;
    private const int SharingViolation = unchecked((int)0x80070020);
    private const int AccessDenied = 13;
    private const int SetOpenFileLock = 37;
    private const short WriteLock = 1;

    private readonly FileStream _file;

    private ExclusiveHandle(FileStream file) => _file = file;

    /// <summary>Opens and locks a file; null when another handle has the lock.</summary>
    /// <exception cref="IOException">It can't be opened, or its file system has no locks.</exception>
    public static ExclusiveHandle? TryOpen(string path, FileMode mode)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, mode, FileAccess.ReadWrite, Share, bufferSize: 0);
        }
        catch (IOException e) when (e.HResult is WouldBlock or WouldBlockOnMac or SharingViolation)
        {
            return null;
        }

        if (!UsesOpenFileLock || TryLock(file.SafeFileHandle))
            return new ExclusiveHandle(file);
        file.Dispose();
        return null;
    }

    /// <summary>Replaces the content. A reader may meet it half written.</summary>
    public void Write(ReadOnlySpan<byte> content)
    {
        RandomAccess.Write(_file.SafeFileHandle, content, 0);
        RandomAccess.SetLength(_file.SafeFileHandle, content.Length);
    }

    public void Dispose() => _file.Dispose();

    private static bool UsesOpenFileLock => OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    /// <summary>Windows keeps other writers out by itself; elsewhere .NET's lock is all there is, and it keeps .NET's readers out too.</summary>
    private static FileShare Share => UsesOpenFileLock ? FileShare.ReadWrite | FileShare.Delete
        : OperatingSystem.IsWindows() ? FileShare.Read : FileShare.None;

    private static bool TryLock(SafeFileHandle handle)
    {
        var range = new FileLock { Type = WriteLock };
        if (Fcntl(handle, SetOpenFileLock, ref range) == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        return error is WouldBlock or AccessDenied ? false : throw new IOException($"The file can't be locked: {Marshal.GetPInvokeErrorMessage(error)}.");
    }

    [DllImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static extern int Fcntl(SafeFileHandle handle, int command, ref FileLock argument);

    /// <summary>The system's <c>struct flock</c> on 64 bits. Start and length 0: the whole file.</summary>
    private struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Pid;
    }
}
