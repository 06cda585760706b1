using System.Globalization;
using Granary.Tests.Crashes;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>Silos that are killed, stopped, paused and replaced under the runs they execute.</summary>
[Trait("Speed", "Slow")]
[Collection(CrashCollection.Name)]
public sealed class FailoverTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Scenario", "V-03")]
    public async Task runs_of_a_killed_silo_go_on_elsewhere_and_repeat_nothing_recorded()
    {
        await using var silos = new SiloProcesses();
        await silos.StartAsync(3);
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        var runs = await StartAsync(client.Client, "chain", "5 1000", 20);
        var key = silos.One<long>("select run_key from granary_journal_v where run_id = 'chain 0' limit 1");
        await silos.TrueAsync("a second step is recorded", () => silos.One<long>("select count(*) from granary_steps_v where run_id = 'chain 0' and outcome = 'succeeded'") >= 2);
        var victim = await silos.ExecutorOfAsync("a3", Journal(key));
        victim.Kill();

        Assert.All(await Task.WhenAll(runs.Select(r => r.ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop))), result => Assert.Equal("15", result));
        Assert.Equal([["succeeded", 20L]], silos.Query("select status, count(*) from granary_runs_v group by 1"));
        Assert.Equal([[1L]], silos.Query("select recovery_attempts from granary_runs_v where id = 'chain 0'"));
        silos.AssertSound();
        silos.AssertOnce();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task a_killed_silo_costs_its_runs_a_few_seconds(bool isFast)
    {
        await using var silos = new SiloProcesses(isFast: isFast);
        await silos.StartAsync(3);
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        await client.Client.Workflow<string, string>("chain").StartAsync("1000 100", new() { Id = "c" }, Stop);
        var gaps = new List<double>();
        for (var kill = 1; kill <= 3; kill++)
        {
            await silos.TrueAsync("a step is recorded", () => silos.One<long>($"select count(*) from granary_steps_v where epoch = {kill} and outcome = 'succeeded'") > 2);
            var owner = silos.One<string>("select owner from granary_runs_v");
            var killed = DateTimeOffset.UtcNow;
            silos.Of(owner).Kill();
            await silos.TrueAsync("it goes on", () => silos.Query($"select 1 from granary_journal_v where epoch = {kill + 1}").Count > 0);
            var next = DateTimeOffset.Parse(silos.One<string>($"select min(committed_at) from granary_journal_v where epoch = {kill + 1}"), CultureInfo.InvariantCulture);
            gaps.Add((next - killed).TotalSeconds);
            if (kill < 3)
                await silos.StartAsync();
        }

        Load.Report($"kill to the next committed row, {(isFast ? "FastFailover" : "default")}: {string.Join(", ", gaps.Select(g => g.ToString("F1", CultureInfo.InvariantCulture)))} s");
        Assert.All(gaps, gap => Assert.InRange(gap, 0, isFast ? 20 : 30));
        silos.AssertSound();
        silos.AssertOnce();
    }

    [Fact]
    public async Task a_silo_alone_that_was_killed_and_started_again_goes_on_without_waiting_for_its_predecessor()
    {
        await using var silos = new SiloProcesses();
        var first = await silos.StartAsync();
        await using (var client = await OutsideClient.ConnectAsync(silos.Connection))
            await client.Client.Workflow<string, string>("chain").StartAsync("1000 100", new() { Id = "c" }, Stop);
        await silos.TrueAsync("a step is recorded", () => silos.One<long>("select count(*) from granary_steps_v where outcome = 'succeeded'") > 2);
        first.Kill();
        var killed = DateTimeOffset.UtcNow;
        await silos.StartAsync();
        await silos.TrueAsync("it goes on", () => silos.Query("select 1 from granary_steps_v where epoch = 2 and outcome = 'succeeded'").Count > 0);
        var took = DateTimeOffset.UtcNow - killed;

        // Orleans alone waits until the dead silo has been silent for 15 s.
        Load.Report($"kill of the only silo to its successor's first recorded step: {took.TotalSeconds:F1} s");
        Assert.InRange(took.TotalSeconds, 0, 12);
        Assert.Equal([[1L]], silos.Query("select recovery_attempts from granary_runs_v"));
        silos.AssertSound();
        silos.AssertOnce();
    }

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

    [Fact]
    public async Task a_client_outside_outlives_every_gateway_that_it_had()
    {
        await using var silos = new SiloProcesses(isFast: true);
        var old = await silos.StartAsync(3);
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        using var over = new CancellationTokenSource();
        var done = 0;
        var calling = Task.WhenAll(Enumerable.Range(0, 4).Select(async caller =>
        {
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                var run = await client.Client.Workflow<string, string>("chain").StartAsync("2 50", new() { Id = $"{caller}.{i}" }, Stop);
                Assert.Equal("3", await run.ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop));
                Assert.Equal(RunStatus.Succeeded, (await run.InfoAsync(Stop)).Status);
                Interlocked.Increment(ref done);
            }
        }));
        foreach (var silo in old)
        {
            await silos.StartAsync();
            var before = Volatile.Read(ref done);
            silo.Kill();
            await silos.TrueAsync("calls go through again", () => calling.IsCompleted || Volatile.Read(ref done) > before + 40);
        }

        await over.CancelAsync();
        await calling;
        Assert.Equal([["succeeded", (long)done]], silos.Query("select status, count(*) from granary_runs_v group by 1"));
        silos.AssertSound();
    }

    [Fact]
    public async Task a_paused_silo_that_wakes_writes_nothing_to_runs_that_were_taken_over()
    {
        await using var silos = new SiloProcesses(isFast: true);
        await silos.StartAsync(3);
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        await StartAsync(client.Client, "chain", "400 100", 30);
        await silos.TrueAsync("all have begun", () => silos.One<long>("select count(distinct run_id) from granary_steps_v where outcome = 'succeeded'") == 30);
        var incarnation = silos.One<string>("select owner from granary_runs_v group by 1 order by count(*) desc limit 1");
        var paused = silos.Of(incarnation);
        var owned = silos.One<long>($"select count(*) from granary_runs_v where owner = '{incarnation}'");
        paused.Signal("STOP");
        await silos.TrueAsync("its runs were taken over", () => silos.One<long>($"select count(*) from granary_runs_v where owner = '{incarnation}'") == 0);

        // What it may have begun in the last instant before it was paused is in the file by now.
        var woken = DateTimeOffset.UtcNow;
        paused.Signal("CONT");
        await Task.Delay(TimeSpan.FromSeconds(1), Stop);
        var begun = silos.Effects.Count(e => e.Begins && e.Pid == paused.Pid);
        var exit = await paused.EndAsync();
        Load.Report($"a paused silo of {owned} runs ended itself {(DateTimeOffset.UtcNow - woken).TotalSeconds:F1} s after waking, exit {exit}");
        Assert.Equal(begun, silos.Effects.Count(e => e.Begins && e.Pid == paused.Pid));
        Assert.NotEqual(0, exit);

        // Nothing of its claims stands above the others'.
        silos.AssertSound();
        Assert.Empty(silos.Query($"""
            select j.run_id, j.seq from granary_journal_v j join granary_runs_v r on r.id = j.run_id
            join granary_journal_v c on c.run_key = j.run_key and c.kind = 'Claimed' and c.epoch = 2 and j.seq > c.seq and j.epoch = 1
            """));
        Assert.Equal([[owned]], silos.Query("select count(*) from granary_runs_v where recovery_attempts > 0"));
    }

    private static Task<RunHandle<string>[]> StartAsync(IGranaryClient client, string workflow, string input, int count) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(i => client.Workflow<string, string>(workflow).StartAsync(input, new() { Id = $"{workflow} {i}" }, Stop)));

    /// <summary>A journal's name in idempotency keys.</summary>
    private static string Journal(long key) => key.ToString(CultureInfo.InvariantCulture);
}
