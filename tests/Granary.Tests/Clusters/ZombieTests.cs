using System.Globalization;
using Granary.Tests.Crashes;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>A silo that was paused, and a client whose gateways die.</summary>
[Trait("Speed", "Slow")]
public sealed class ZombieTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_paused_silo_that_wakes_writes_nothing_to_runs_that_were_taken_over()
    {
        await using var silos = new SiloProcesses(isFast: true);
        await silos.StartAsync(3);
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => client.Client.Workflow<string, string>("chain").StartAsync("400 100", new() { Id = $"c{i}" }, Stop)));
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
}
