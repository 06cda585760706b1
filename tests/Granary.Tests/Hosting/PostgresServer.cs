using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Xunit;

namespace Granary.Tests.Hosting;

/// <summary>
/// A Postgres server of the tests' own: made in a temporary folder when the first test asks, with the server's own settings
/// for durability, and stopped when the process ends.
/// </summary>
internal sealed class PostgresServer : IDisposable
{
    private const string Prefix = "granary-pg-";

    private static readonly Lazy<(PostgresServer? Server, string? Reason)> _shared = new(Start);
    private static int _databases;

    private readonly string _folder;
    private readonly string _binaries;

    private PostgresServer(string folder, int port, string binaries)
    {
        _folder = folder;
        _binaries = binaries;
        Port = port;
    }

    public int Port { get; }

    /// <summary>The server; a test that needs it is skipped where there is none.</summary>
    public static PostgresServer Shared
    {
        get
        {
            var (server, reason) = _shared.Value;
            if (server is null)
                Assert.Skip($"No Postgres server: {reason}");
            return server;
        }
    }

    /// <summary>A server of one test, to be stopped under it.</summary>
    public static PostgresServer Own()
    {
        _ = Shared;
        return Start() is ({ } server, _) ? server : throw new InvalidOperationException("A second server didn't start.");
    }

    /// <summary>As if the machine had lost its power: connections break, nothing is tidied up.</summary>
    public void StopAtOnce() => AsUser(Path.Combine(_binaries, "pg_ctl"), ["-D", Data, "-m", "immediate", "-w", "-t", "20", "stop"]);

    public void StartAgain() =>
        AsUser(Path.Combine(_binaries, "pg_ctl"), ["-D", Data, "-l", Path.Combine(_folder, "log"), "-o", Settings, "-w", "-t", "60", "start"]);

    public void Dispose() => Stop();

    private string Data => Path.Combine(_folder, "data");

    private string Settings => $"-p {Port} -k {_folder} -c listen_addresses=127.0.0.1 -c max_connections=200 -c shared_buffers=64MB";

    /// <summary>A connection string of the superuser.</summary>
    public string ConnectionString(string database) => $"Host=127.0.0.1;Port={Port};Username=postgres;Password=postgres;Database={database};Include Error Detail=true";

    /// <summary>Makes an empty database and returns its name.</summary>
    public string NewDatabase()
    {
        var name = $"t{Interlocked.Increment(ref _databases)}";
        Execute("postgres", $"create database {name}");
        return name;
    }

    public void DropDatabase(string name) => Execute("postgres", $"drop database if exists {name} with (force)");

    public void Execute(string database, string sql) => Query(ConnectionString(database), sql);

    /// <summary>Runs SQL on a connection of its own; whole numbers and times come as SQLite has them.</summary>
    public static List<object?[]> Query(string connectionString, string sql)
    {
        using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        using var reader = command.ExecuteReader();
        var rows = new List<object?[]>();
        while (reader.Read())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
                row[i] = reader.IsDBNull(i) ? null : Plain(reader.GetValue(i));
            rows.Add(row);
        }

        return rows;
    }

    private static object Plain(object value) => value switch
    {
        int or short => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        DateTime time => time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
        _ => value,
    };

    private static (PostgresServer? Server, string? Reason) Start()
    {
        if (OperatingSystem.IsWindows())
            return (null, "the tests start one on Linux and macOS only.");
        try
        {
            if ((Binaries() ?? Install()) is not { } binaries)
                return (null, "initdb was not found, and installing the package 'postgresql' failed.");
            StaleServers.Sweep(Prefix);
            var folder = Directory.CreateTempSubdirectory(Prefix).FullName;
            StaleServers.Sign(folder);
            var server = new PostgresServer(folder, FreePort(), binaries);
            var password = Path.Combine(folder, "password");
            File.WriteAllText(password, "postgres");
            File.SetUnixFileMode(password, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            if (Environment.IsPrivilegedProcess)
                Run("chown", ["postgres", folder]);
            AsUser(Path.Combine(binaries, "initdb"), ["-D", server.Data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "--locale", "C.UTF-8"]);
            server.StartAgain();
            AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Stop();
            return (server, null);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return (null, e.Message);
        }
    }

    private void Stop()
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
