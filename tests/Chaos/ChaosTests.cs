using System.Globalization;
using Granary.Tests.Clusters;
using Granary.Tests.Crashes;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Chaos;

/// <summary>
/// Three silos under twenty starts a second, disturbed all the time, against an outside system that counts every body:
/// nothing acknowledged is lost, nothing recorded runs again, every run ends with its right result.
/// </summary>
[Collection(CrashCollection.Name)]
public sealed class ChaosTests
{
    private const int StartsPerSecond = 20;

    /// <summary>How much the clocks of the processes of one machine may differ, as each measures its own against the database's.</summary>
    private static readonly TimeSpan _clocks = TimeSpan.FromMilliseconds(100);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [Trait("Speed", "Slow")]
    [InlineData("kills", 45)]
    [InlineData("pauses", 45)]
    [InlineData("database", 30)]
    public Task a_cluster_that_is_disturbed_loses_nothing_and_doubles_nothing(string disturbance, int seconds) => RunAsync(disturbance, TimeSpan.FromSeconds(seconds));

    [Theory]
    [Trait("Speed", "Long")]
    [InlineData("kills", 10)]
    [InlineData("pauses", 4)]
    [InlineData("database", 4)]
    public Task a_cluster_that_is_disturbed_for_long_loses_nothing_and_doubles_nothing(string disturbance, int minutes) => RunAsync(disturbance, TimeSpan.FromMinutes(minutes));

    private static async Task RunAsync(string kind, TimeSpan duration)
    {
        var seed = Environment.GetEnvironmentVariable("GRANARY_SEED") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        Load.Report($"GRANARY_SEED={seed} for {duration.TotalSeconds} s of {kind}");
        using var server = kind == "database" ? PostgresServer.Own() : null;
        using var sink = new Sink();
        await using var silos = new SiloProcesses(server, isFast: true, new Dictionary<string, string> { ["GRANARY_SINK"] = sink.Address.ToString() });
        var random = new Random(seed);
        Disturbance disturbance = kind switch
        {
            "kills" => new Kills(silos, random),
            "pauses" => new Pauses(silos, random),
            _ => new DatabaseRestarts(silos, random, server!),
        };
        await disturbance.StartAsync();
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);

        using var over = new CancellationTokenSource();
        var starting = StartAsync(client.Client, over.Token);
        await disturbance.RunAsync(duration, Stop);
        await over.CancelAsync();
        var runs = await starting;

        await silos.TrueAsync("every run has ended", () => silos.One<long>("select count(*) from granary_runs_v where completed_at is null") == 0, 180);
        foreach (var (run, number) in runs)
            Assert.Equal($"{number} ok", await run.ResultAsync(Stop));
        Assert.Equal([["succeeded", (long)runs.Count]], silos.Query("select status, count(*) from granary_runs_v group by 1"));
        silos.AssertSound();
        var repeats = AssertOnce(silos, sink, mayHaveZombies: kind == "pauses");
        Load.Report($"{disturbance.Count} {kind}, {runs.Count} runs, {sink.Arrivals.Count} bodies, of them {repeats} that were cut off and ran again; "
            + $"{silos.One<long>("select coalesce(sum(recovery_attempts), 0)::bigint from granary_runs_v")} recoveries");
    }

    /// <summary>Starts runs until it is told to stop; one that is refused, or whose answer is lost, is started again under the same id.</summary>
    private static async Task<List<(RunHandle<string> Run, int Number)>> StartAsync(IGranaryClient client, CancellationToken over)
    {
        var starts = new List<Task<(RunHandle<string>, int)>>();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / StartsPerSecond));
        for (var i = 0; !over.IsCancellationRequested; i++)
        {
            starts.Add(StartOneAsync(client, i));
            await timer.WaitForNextTickAsync(Stop);
        }

        return [.. await Task.WhenAll(starts)];
    }

    private static async Task<(RunHandle<string> Run, int Number)> StartOneAsync(IGranaryClient client, int number)
    {
        var giveUp = DateTimeOffset.UtcNow.AddMinutes(2);
        while (true)
        {
            try
            {
                return (await client.Workflow<string, string>("chaos").StartAsync(number.ToString(CultureInfo.InvariantCulture), new() { Id = $"c{number}" }, Stop), number);
            }
            catch (GranaryException e) when (e.IsTransient && DateTimeOffset.UtcNow < giveUp)
            {
                await Task.Delay((e as GranaryUnavailableException)?.RetryAfter ?? TimeSpan.FromSeconds(1), Stop);
            }
        }
    }

    /// <summary>
    /// No body begins under a key after that key's outcome was committed; only one of a silo that was paused may, and never
    /// one whose own claim lies above the outcome. A crash is no attempt.
    /// </summary>
    private static int AssertOnce(SiloProcesses silos, Sink sink, bool mayHaveZombies)
    {
        var outcomes = silos.Query("select idempotency_key, attempt, run_key, seq, ended_at from granary_steps_v where kind = 'step' and outcome in ('succeeded', 'retried', 'failed')")
            .ToDictionary(r => ((string)r[0]!, (int)(long)r[1]!), r => (Run: (long)r[2]!, Seq: (long)r[3]!, At: DateTimeOffset.Parse((string)r[4]!, CultureInfo.InvariantCulture)));
        var claims = silos.Query("select run_key, epoch, seq from granary_journal_v where kind in ('Started', 'Claimed') and epoch > 0")
            .ToDictionary(r => ((long)r[0]!, (int)(long)r[1]!), r => (long)r[2]!);
        var wrong = new List<string>();
        foreach (var arrival in sink.Arrivals)
        {
            if (!outcomes.TryGetValue((arrival.Key, arrival.Attempt), out var outcome))
            {
                // A zombie's begin of a step whose run went another way would be one; there is none here.
                wrong.Add($"{arrival} has no outcome");
                continue;
            }

            var isAbove = !claims.TryGetValue((outcome.Run, arrival.Epoch), out var claim) || claim > outcome.Seq;
            if (isAbove || (arrival.At > outcome.At + _clocks && !mayHaveZombies))
                wrong.Add($"{arrival} began after {outcome} (claim {claim})");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)) + '\n' + silos.Story());

        // Each step has its one outcome; the one that fails at first has two attempts, and no crash added one.
        Assert.Empty(silos.Query("select run_id, name from granary_steps_v where kind = 'step' group by 1, 2 having count(*) <> case name when 'retried' then 2 else 1 end"));
        Assert.Equal(outcomes.Keys.ToHashSet(), sink.Arrivals.Select(a => (a.Key, a.Attempt)).ToHashSet());
        return sink.Arrivals.Count - outcomes.Count;
    }
}
