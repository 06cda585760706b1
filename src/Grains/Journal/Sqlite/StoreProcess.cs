using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Granary.Engine;

namespace Granary.Journal.Sqlite;

/// <summary>The process that holds a database, as the lock file tells it.</summary>
internal sealed record StoreProcess(int Pid, DateTimeOffset StartedAt, string Host, string Incarnation, string? Url = null)
{
    // What the system tells of a start is rounded, and shifts when the clock is set.
    private static readonly TimeSpan _startTolerance = TimeSpan.FromSeconds(2);

    public static StoreProcess Current(string incarnation)
    {
        using var self = Process.GetCurrentProcess();
        return new StoreProcess(self.Id, new DateTimeOffset(self.StartTime).ToUniversalTime(), Environment.MachineName, incarnation);
    }

    public byte[] ToJson() => [.. JsonSerializer.SerializeToUtf8Bytes(this, GranaryJson.Own), (byte)'\n'];

    public static StoreProcess? FromJson(ReadOnlySpan<byte> json)
    {
        try
        {
            return json.IsEmpty ? null : JsonSerializer.Deserialize<StoreProcess>(json, GranaryJson.Own);
        }
        catch (JsonException)
        {
            // A file of somebody else's, or one that is being written.
            return null;
        }
    }

    /// <summary>
    /// True when this process has ended or is ending; false when it lives, be it stopped by a signal, and when it is on
    /// another host, where nothing can be known.
    /// </summary>
    public bool IsGone()
    {
        if (Host != Environment.MachineName)
            return false;
        try
        {
            using var process = Process.GetProcessById(Pid);
            return (process.StartTime.ToUniversalTime() - StartedAt.UtcDateTime).Duration() > _startTolerance || IsEnding(Pid);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return true;
        }
        catch (Win32Exception)
        {
            // It is there, but not ours to ask.
            return false;
        }
    }

    public override string ToString() =>
        $"process {Pid} on {Host}, started {StartedAt:yyyy-MM-dd HH:mm:ss}Z{(Url is null ? "" : $", {Url}")}";

    /// <summary>A killed process keeps its files while its memory is freed or its core is written, which takes a while.</summary>
    private static bool IsEnding(int pid)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        try
        {
            var status = File.ReadAllText($"/proc/{pid}/status");
            return status.Contains("State:\tZ") || status.Contains("State:\tX") || status.Contains("CoreDumping:\t1") || !status.Contains("VmSize:");
        }
        catch (IOException)
        {
            return true;
        }
    }
}
