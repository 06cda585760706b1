using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace WeatherAgent;

/// <summary>
/// A file to which many processes append: each write lands whole at the end, wherever that is by then, and is on the disk
/// when the call returns. .NET's own appending writes where the end was when the file was opened, over what others have
/// written since.
/// </summary>
internal static partial class AppendedFile
{
    private const int WriteOnly = 1;

    public static void Append(string path, byte[] bytes)
    {
        if (!File.Exists(path))
            File.AppendAllText(path, "");
        if (OperatingSystem.IsWindows())
        {
            using var stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            stream.Write(bytes);
            stream.Flush(flushToDisk: true);
            return;
        }

        using var file = new SafeFileHandle(OpenFile(path, WriteOnly | (OperatingSystem.IsMacOS() ? 0x8 : 0x400)), ownsHandle: true);
        if (file.IsInvalid || WriteFile(file, bytes, bytes.Length) != bytes.Length)
            throw new IOException($"'{path}' can't be appended to: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}.");
        RandomAccess.FlushToDisk(file);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteFile(SafeFileHandle file, byte[] bytes, nint count);
}
