using Granary.Tests.Crashes;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>A cluster some of whose silos are of a build that lacks a workflow.</summary>
[Trait("Speed", "Slow")]
[Collection(CrashCollection.Name)]
public sealed class MixedBuildTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_run_that_old_silos_hold_for_a_waiting_client_goes_on_at_the_silo_that_joins_with_its_workflow()
    {
        await using var silos = new SiloProcesses();
        await silos.StartAsync(without: "chain");
        await silos.StartAsync(without: "chain");
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        var run = await client.Client.Workflow<string, string>("chain").StartAsync("5 10", new() { Id = "c" }, Stop);
        var result = run.ResultAsync(Stop);
        Assert.Equal([["waiting", "version", "GRN1803"]], silos.Query("select status, waiting_on, error_code from granary_runs_v"));

        var joined = await silos.StartAsync();
        await silos.TrueAsync("it has ended", () => silos.Query("select 1 from granary_runs_v where status = 'succeeded'").Count == 1);
        Assert.Equal("15", await result.WaitAsync(TimeSpan.FromSeconds(60), Stop));
        Assert.Equal([["Claimed", 1L]], silos.Query("select kind, count(*) from granary_journal_v where kind in ('Claimed', 'Parked') group by 1"));
        Assert.All(silos.Effects, e => Assert.Equal(joined.Pid, e.Pid));
        AssertSound(silos);
    }

    [Fact]
    public async Task runs_that_are_started_or_woken_on_silos_that_lack_their_workflow_go_on_where_it_is_known()
    {
        await using var silos = new SiloProcesses();
        await silos.StartAsync(without: "sleeper");
        await silos.StartAsync(without: "sleeper");
        await silos.StartAsync();
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        var runs = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => client.Client.Workflow<string, string>("sleeper").StartAsync("4000", new() { Id = $"s{i}" }, Stop)));

        await silos.TrueAsync("all have ended", () => silos.One<long>("select count(*) from granary_runs_v where status = 'succeeded'") == runs.Length);
        Assert.All(await Task.WhenAll(runs.Select(r => r.ResultAsync(Stop))), result => Assert.Equal("awake", result));
        Assert.NotEqual(0, silos.One<long>("select count(*) from granary_journal_v where kind = 'Started' and epoch = 0"));
        Assert.NotEqual(0, silos.One<long>("""
            select count(*) from granary_journal_v p join granary_journal_v c on c.run_key = p.run_key and c.seq = p.seq - 1
            where c.kind = 'Claimed' and p.kind = 'Parked' and p.epoch > 1
            """));
        AssertSound(silos);
    }

    private static void AssertSound(SiloProcesses silos)
    {
        Assert.Empty(silos.Query("select id from granary_runs_v where recovery_attempts > 0"));
        silos.AssertSound();
        silos.AssertOnce();
    }
}
