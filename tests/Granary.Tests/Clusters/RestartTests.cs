using System.Globalization;
using Granary.Tests.Crashes;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>Silos that are stopped, restarted and replaced under the runs they execute.</summary>
[Trait("Speed", "Slow")]
public sealed class RestartTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_silo_that_is_stopped_hands_over_and_nothing_is_charged()
    {
        await using var silos = new SiloProcesses();
        await silos.StartAsync(3);
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        var run = await client.Client.Workflow<string, string>("chain").StartAsync("4 1500", new() { Id = "c" }, Stop);
        var key = silos.One<long>("select run_key from granary_journal_v limit 1");
        var owner = await silos.ExecutorOfAsync("a2", Journal(key));
        var asked = DateTimeOffset.UtcNow;
        await silos.StopAsync(owner);
        await silos.TrueAsync("another silo has it", () => silos.Query("select 1 from granary_journal_v where kind = 'Claimed'").Count > 0);
        Load.Report($"SIGTERM to the claim by another silo: {(DateTimeOffset.UtcNow - asked).TotalSeconds:F1} s");

        Assert.Equal("10", await run.ResultAsync(Stop));
        Assert.Equal([["succeeded", 0L]], silos.Query("select status, recovery_attempts from granary_runs_v"));
        Assert.Equal([[1L]], silos.Query("select count(*) from granary_journal_v where kind = 'Released'"));
        silos.AssertSound();
        silos.AssertOnce();
    }

    [Fact]
    public async Task after_a_restart_of_the_whole_cluster_sleepers_wake_and_runs_go_on()
    {
        await using var silos = new SiloProcesses();
        var first = await silos.StartAsync(3);
        await using (var client = await OutsideClient.ConnectAsync(silos.Connection))
        {
            await client.Client.Workflow<string, string>("sleeper").StartAsync("20000", new() { Id = "s" }, Stop);
            await client.Client.Workflow<string, string>("chain").StartAsync("100 300", new() { Id = "c" }, Stop);
            await silos.TrueAsync("the sleeper is parked and the other runs", () =>
                silos.Query("select 1 from granary_runs_v where id = 's' and status = 'waiting' and owner is null").Count == 1
                && silos.One<long>("select count(*) from granary_steps_v where run_id = 'c' and outcome = 'succeeded'") > 1);
        }

        foreach (var silo in first)
            silo.Kill();
        var killed = DateTimeOffset.UtcNow;
        await silos.StartAsync(3);
        await silos.TrueAsync("the runner is claimed", () => silos.Query("select 1 from granary_journal_v where run_id = 'c' and epoch > 1").Count > 0, 90);
        Load.Report($"kill of the whole cluster to the claim of a running run, restart included: {(DateTimeOffset.UtcNow - killed).TotalSeconds:F1} s");
        await silos.TrueAsync("the sleeper has ended", () => silos.Query("select 1 from granary_runs_v where id = 's' and status = 'succeeded'").Count == 1);

        var late = silos.One<double>("select extract(epoch from e.committed_at::timestamptz - j.due_at)::float8 from granary_journal_v e, granary.journal j where e.run_id = 's' and e.kind = 'Succeeded' and j.kind = 'TimerStarted' and j.run_key = e.run_key");
        Load.Report($"the sleeper woke {late:F1} s after its time");
        Assert.InRange(late, 0, 30);
        Assert.Equal([[0L]], silos.Query("select recovery_attempts from granary_runs_v where id = 's'"));
        Assert.Equal([[1L]], silos.Query("select recovery_attempts from granary_runs_v where id = 'c'"));
        silos.AssertSound();
    }

    [Fact]
    public async Task a_rolling_restart_of_three_silos_loses_and_doubles_nothing()
    {
        await using var silos = new SiloProcesses();
        var old = await silos.StartAsync(3);
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        var runs = new List<RunHandle<string>>();
        using var over = new CancellationTokenSource();
        var starting = Task.Run(async () =>
        {
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                runs.Add(await client.Client.Workflow<string, string>("chain").StartAsync("4 400", new() { Id = $"r{i}" }, Stop));
                await Task.Delay(100, Stop);
            }
        }, Stop);
        foreach (var silo in old)
        {
            await silos.StartAsync();
            await silos.StopAsync(silo);
        }

        await over.CancelAsync();
        await starting;
        Assert.All(await Task.WhenAll(runs.Select(r => r.ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop))), result => Assert.Equal("10", result));
        Assert.Equal([["succeeded", 0L, (long)runs.Count]], silos.Query("select status, recovery_attempts, count(*) from granary_runs_v group by 1, 2"));
        Assert.True(silos.One<long>("select count(*) from granary_journal_v where kind = 'Released'") > 0);
        silos.AssertSound();
        silos.AssertOnce();
    }

    /// <summary>A journal's name in idempotency keys.</summary>
    private static string Journal(long key) => key.ToString(CultureInfo.InvariantCulture);
}
