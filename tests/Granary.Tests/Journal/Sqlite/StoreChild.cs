using System.Diagnostics;
using System.Runtime.CompilerServices;
using Granary.Journal.Sqlite;

namespace Granary.Tests.Journal.Sqlite;

/// <summary>
/// Another process that opens a database: this very program, told by a variable to do that instead of running tests.
/// Its first line says what came of it; it keeps the database until its input ends or it is killed.
/// </summary>
internal sealed class StoreChild : IDisposable
{
    private const string Variable = "GRANARY_TEST_OPENS_STORE";
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private StoreChild(Process process, string answer)
    {
        _process = process;
        Answer = answer;
    }

    /// <summary><c>open</c>, or the error's message.</summary>
    public string Answer { get; }

    public int Pid => _process.Id;

    /// <param name="path">The database.</param>
    /// <param name="prefix">A command that starts the program, such as one that changes the user.</param>
    public static async Task<StoreChild> StartAsync(string path, params string[] prefix)
    {
        string[] command = [.. prefix, System.IO.Path.ChangeExtension(typeof(StoreChild).Assembly.Location, null)];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment[Variable] = path;
        var process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(_deadline);
        var answer = await process.StandardOutput.ReadLineAsync(deadline.Token);
        return new StoreChild(process, answer ?? "nothing");
    }

    /// <summary>Sends a signal, by its name.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{Pid}"]);
        kill.WaitForExit();
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>Runs before the program's entry point, which belongs to the test runner.</summary>
    [ModuleInitializer]
    internal static void RunWhereToldTo()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } path)
            return;
        try
        {
            SqliteJournalStore.OpenAsync(path, "child:1").GetAwaiter().GetResult();
            Console.WriteLine("open");
            Console.In.ReadToEnd();
        }
        catch (StoreException e)
        {
            Console.WriteLine(e.Message);
        }

        Environment.Exit(0);
    }
}
