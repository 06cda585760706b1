using System.Collections.Concurrent;
using System.Diagnostics;
using Granary;
using Granary.CrashHost;
using Granary.Engine;
using Granary.Runs;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// A process to be killed: runs one workflow over a SQLite file and tells on standard output what was acknowledged.
//   Granary.CrashHost WORKFLOW RUN-ID DATA EFFECTS [INPUT]
//   Granary.CrashHost serve - CONNECTION EFFECTS     a silo of a cluster on Postgres, until it is stopped
// GRANARY_CRASH_AT=PLACE#N   the process kills itself (SIGKILL) the Nth time the engine reaches PLACE
// GRANARY_PAUSE_AT=PLACE#N   the process stops itself (SIGSTOP) there, and goes on at SIGCONT
// GRANARY_CRASH_LIST=FILE    writes the places that were reached, one a line
// GRANARY_BROKEN=1           the deliberately broken build
// GRANARY_ROLE=ROLE          a role of the silo
// GRANARY_WITHOUT=WORKFLOW   a build that lacks that workflow
// GRANARY_MAX_RECOVERIES=N   the recovery limit, or "none"
// SIGTERM and SIGINT stop it in good order.
var (workflow, id, data, effectsPath) = (args[0], args[1], args[2], args[3]);
var input = args.Length > 4 ? args[4] : "";
Arm();

var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
builder.Logging.AddSimpleConsole().SetMinimumLevel(LogLevel.Warning);
builder.Logging.AddConsole(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
builder.Services.AddSingleton(new EffectsFile(effectsPath));
builder.AddGranary(granary => granary.Configure(o =>
{
    o.DataPath = data;
    o.ConnectionString = workflow == "serve" ? data : null;
    if (Environment.GetEnvironmentVariable("GRANARY_ROLE") is { Length: > 0 } role)
        o.Roles = [role];
    o.FastFailover = Environment.GetEnvironmentVariable("GRANARY_FAST") == "1";
    o.ParkAfter = TimeSpan.FromSeconds(workflow == "serve" ? 2 : 30);
    o.MaxRecoveries = Environment.GetEnvironmentVariable("GRANARY_MAX_RECOVERIES") switch
    {
        null => 100,
        "none" => null,
        var limit => int.Parse(limit, System.Globalization.CultureInfo.InvariantCulture),
    };
}).AddWorkflowsFrom(typeof(Scenario).Assembly).AddAgent("painter").UseModel(_ => new OfflineChatClient()).AddTools<Painting>());
var lacking = Environment.GetEnvironmentVariable("GRANARY_WITHOUT");
foreach (var service in builder.Services.Where(s => s.ImplementationInstance is WorkflowDescriptor workflow && workflow.Name == lacking).ToList())
    builder.Services.Remove(service);
using var host = builder.Build();
await host.StartAsync();
var client = host.Services.GetRequiredService<IGranaryClient>();
var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
if (Environment.GetEnvironmentVariable("GRANARY_PAUSE_AT") is not null)
    await KeeperHasLookedAsync(data);
Console.WriteLine(workflow == "serve" ? $"ready {host.Services.GetRequiredService<SiloIncarnation>().Value}" : "ready");
try
{
    if (workflow == "serve")
        await Task.Delay(Timeout.Infinite, stopping);
    var run = await client.Workflow<string, string>(workflow).StartAsync(input, new RunOptions { Id = id });
    Console.WriteLine($"acknowledged {run.IsNew}");
    Console.WriteLine($"result {await run.ResultAsync(stopping)}");
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    Console.WriteLine("stopped");
}
catch (GranaryException e)
{
    Console.WriteLine($"error {e.Message}");
}

await host.StopAsync();
return 0;

// The keeper writes at the start, and a minute later: a process that is stopped must not hold the file's lock.
static async Task KeeperHasLookedAsync(string data)
{
    while (true)
    {
        await using var connection = new SqliteConnection($"Data Source={data};Pooling=False;Default Timeout=30");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "select count(*) from OrleansStorage";
        if (await command.ExecuteScalarAsync() is > 0L)
            return;
        await Task.Delay(20);
    }
}

static void Arm()
{
    CrashPoint.AcknowledgesBeforeCommit = Environment.GetEnvironmentVariable("GRANARY_BROKEN") == "1";
    var list = Environment.GetEnvironmentVariable("GRANARY_CRASH_LIST");
    var at = Environment.GetEnvironmentVariable("GRANARY_CRASH_AT");
    var pauseAt = Environment.GetEnvironmentVariable("GRANARY_PAUSE_AT");
    var counts = new ConcurrentDictionary<string, int>();
    if (list is null && at is null && pauseAt is null)
        return;
    var gate = new Lock();
    CrashPoint.Reached = place =>
    {
        var count = counts.AddOrUpdate(place, 1, (_, n) => n + 1);
        if (list is not null)
        {
            lock (gate)
                File.AppendAllText(list, $"{place}#{count}\n");
        }

        if (at == $"{place}#{count}")
        {
            Process.GetCurrentProcess().Kill();
            Thread.Sleep(Timeout.Infinite);
        }

        if (pauseAt == $"{place}#{count}")
        {
            Console.WriteLine($"paused {place}");
            using var stop = Process.Start("kill", ["-s", "STOP", $"{Environment.ProcessId}"]);
            stop.WaitForExit();
        }
    };
}
