using System.Text;

namespace WeatherAgent;

/// <summary>
/// What really ran, written down outside of the product: each tool body appends a line when it begins and one when it
/// ends, flushed to disk each time. Thread-safe, also among processes.
/// </summary>
internal sealed class Effects(string? path)
{
    /// <summary>Why the file can't be written; null when it can.</summary>
    public static string? Problem(string? path)
    {
        try
        {
            if (path is not null)
                File.AppendAllText(path, "");
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return $"--effects {path} can't be written: {e.Message}";
        }
    }

    public void Write(string key, int attempt, string what)
    {
        if (path is null)
            return;
        var line = Encoding.UTF8.GetBytes($"{key} {attempt} {Environment.ProcessId} {what}\n");
        AppendedFile.Append(path, line);
    }
}
