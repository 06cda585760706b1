using System.Diagnostics;
using System.Globalization;

namespace Granary.Tests.Shared;

/// <summary>
/// Servers whose test process was killed before it could stop them. Only those whose owner has signed the folder and is
/// surely dead are touched: other test processes have servers of their own.
/// </summary>
internal static class StaleServers
{
    private const string Owner = "owner";

    /// <summary>Says whose folder it is: the process's number, and its start, because numbers come again.</summary>
    public static void Sign(string folder) => File.WriteAllText(Path.Combine(folder, Owner), Identity(Process.GetCurrentProcess()));

    public static void Sweep(string prefix)
    {
        foreach (var folder in Directory.EnumerateDirectories(Path.GetTempPath(), prefix + "*"))
        {
            try
            {
                var owner = Path.Combine(folder, Owner);
                if (!File.Exists(owner) || Lives(File.ReadAllText(owner)))
                    continue;
                Kill(folder);
                Directory.Delete(folder, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another process sweeps it at this moment, or it is another user's.
            }
        }
    }

    /// <summary>Ends the server of a folder by the number that it wrote down, if that is still a server of this folder.</summary>
    public static void Kill(string folder)
    {
        var data = Path.Combine(folder, "data");
        var file = Path.Combine(data, "postmaster.pid");
        if (!File.Exists(file) || !int.TryParse(File.ReadLines(file).FirstOrDefault(), CultureInfo.InvariantCulture, out var pid))
            return;
        var commandLine = $"/proc/{pid}/cmdline";
        if (!File.Exists(commandLine) || !File.ReadAllText(commandLine).Contains(data, StringComparison.Ordinal))
            return;
        using var server = Process.GetProcessById(pid);
        server.Kill();
        server.WaitForExit(TimeSpan.FromSeconds(10));
    }

    private static bool Lives(string owner)
    {
        try
        {
            var words = owner.Split(' ');
            using var process = Process.GetProcessById(int.Parse(words[0], CultureInfo.InvariantCulture));

            // Boot time plus ticks: it moves a little with the machine's clock.
            return Math.Abs(StartOf(process) - long.Parse(words[1], CultureInfo.InvariantCulture)) < 10;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or FormatException)
        {
            return false;
        }
    }

    private static string Identity(Process process) => string.Create(CultureInfo.InvariantCulture, $"{process.Id} {StartOf(process)}");

    private static long StartOf(Process process) => new DateTimeOffset(process.StartTime).ToUnixTimeSeconds();
}
