using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Granary.Tests.Shared;

/// <summary>
/// A Postgres server of one's own, for tests and benchmarks: made in a temporary folder, with the server's own settings for
/// durability, and stopped at the latest when the process ends.
/// </summary>
internal sealed class PostgresProcess
{
    private const string Prefix = "granary-pg-";

    private readonly string _folder;
    private readonly string _binaries;

    private PostgresProcess(string folder, string binaries, int port)
    {
        _folder = folder;
        _binaries = binaries;
        Port = port;
    }

    public int Port { get; }

    /// <summary>Starts one, and installs the programs first where that is possible.</summary>
    /// <exception cref="InvalidOperationException">There is none to be had; the message says why.</exception>
    public static PostgresProcess Start()
    {
        if (OperatingSystem.IsWindows())
            throw new InvalidOperationException("one is started on Linux and macOS only.");
        if ((Binaries() ?? Install()) is not { } binaries)
            throw new InvalidOperationException("initdb was not found, and installing the package 'postgresql' failed.");
        try
        {
            StaleServers.Sweep(Prefix);
            var folder = Directory.CreateTempSubdirectory(Prefix).FullName;
            StaleServers.Sign(folder);
            var server = new PostgresProcess(folder, binaries, FreePort());
            var password = Path.Combine(folder, "password");
            File.WriteAllText(password, "postgres");
            File.SetUnixFileMode(password, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            if (Environment.IsPrivilegedProcess)
                Run("chown", ["postgres", folder]);
            AsUser(Path.Combine(binaries, "initdb"), ["-D", server.Data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "--locale", "C.UTF-8"]);
            server.StartAgain();
            AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Stop();
            return server;
        }
        catch (Exception e) when (e is IOException or Win32Exception)
        {
            throw new InvalidOperationException(e.Message, e);
        }
    }

    /// <summary>A connection string of the superuser.</summary>
    public string ConnectionString(string database) => $"Host=127.0.0.1;Port={Port};Username=postgres;Password=postgres;Database={database};Include Error Detail=true";

    /// <summary>As if the machine had lost its power: connections break, nothing is tidied up.</summary>
    public void StopAtOnce() => AsUser(Path.Combine(_binaries, "pg_ctl"), ["-D", Data, "-m", "immediate", "-w", "-t", "20", "stop"]);

    public void StartAgain() =>
        AsUser(Path.Combine(_binaries, "pg_ctl"), ["-D", Data, "-l", Path.Combine(_folder, "log"), "-o", Settings, "-w", "-t", "60", "start"]);

    /// <summary>Stops it, and deletes its data.</summary>
    public void Stop()
    {
        if (!Directory.Exists(_folder))
            return;
        try
        {
            StopAtOnce();
        }
        catch (InvalidOperationException)
        {
            // It doesn't obey, or is gone already.
            StaleServers.Kill(_folder);
        }

        Directory.Delete(_folder, recursive: true);
    }

    private string Data => Path.Combine(_folder, "data");

    private string Settings => $"-p {Port} -k {_folder} -c listen_addresses=127.0.0.1 -c max_connections=200 -c shared_buffers=64MB";

    /// <summary>The newest server's folder of programs.</summary>
    private static string? Binaries()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).ToList();
        if (Directory.Exists("/usr/lib/postgresql"))
            folders.AddRange(Directory.EnumerateDirectories("/usr/lib/postgresql").OrderByDescending(d => d).Select(d => Path.Combine(d, "bin")));
        return folders.Find(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl")));
    }

    private static string? Install()
    {
        if (!Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/apt-get"))
            return null;
        Console.Error.WriteLine("Installing Postgres for the tests: apt-get install -y postgresql");
        Run("apt-get", ["update"]);
        Run("apt-get", ["install", "-y", "postgresql"]);
        return Binaries();
    }

    /// <summary>The server refuses to run as root.</summary>
    private static void AsUser(string program, string[] arguments)
    {
        if (Environment.IsPrivilegedProcess)
            Run("runuser", ["-u", "postgres", "--", program, .. arguments]);
        else
            Run(program, arguments);
    }

    private static void Run(string program, string[] arguments)
    {
        // Its output goes to a file: the server inherits it and would keep a pipe open for ever.
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" </dev/null >/dev/null 2>&1", "sh", program, .. arguments])
        {
            WorkingDirectory = Path.GetTempPath(),
        })!;
        if (!process.WaitForExit(TimeSpan.FromMinutes(5)) || process.ExitCode != 0)
            throw new InvalidOperationException($"'{program} {string.Join(' ', arguments)}' ended with {(process.HasExited ? process.ExitCode : "no answer")}.");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
