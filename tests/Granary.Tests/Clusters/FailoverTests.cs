using System.Globalization;
using Granary.Tests.Crashes;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>Silos that are killed under the runs they execute.</summary>
[Trait("Speed", "Slow")]
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
    public Task a_killed_silo_costs_its_runs_a_few_seconds(bool isFast) => KillAsync(isFast, 3);

    [Theory]
    [Trait("Speed", "Long")]
    [InlineData(false)]
    [InlineData(true)]
    public Task thirty_killed_silos_cost_their_runs_a_few_seconds_each(bool isFast) => KillAsync(isFast, 30);

    private static async Task KillAsync(bool isFast, int kills)
    {
        await using var silos = new SiloProcesses(isFast: isFast);
        await silos.StartAsync(3);
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        await client.Client.Workflow<string, string>("chain").StartAsync("5000 100", new() { Id = "c" }, Stop);
        var gaps = new List<double>();
        for (var kill = 1; kill <= kills; kill++)
        {
            await silos.TrueAsync("a step is recorded", () => silos.One<long>($"select count(*) from granary_steps_v where epoch = {kill} and outcome = 'succeeded'") > 2);
            var owner = silos.One<string>("select owner from granary_runs_v");
            var killed = DateTimeOffset.UtcNow;
            silos.Of(owner).Kill();
            await silos.TrueAsync("it goes on", () => silos.Query($"select 1 from granary_journal_v where epoch = {kill + 1}").Count > 0);
            var next = DateTimeOffset.Parse(silos.One<string>($"select min(committed_at) from granary_journal_v where epoch = {kill + 1}"), CultureInfo.InvariantCulture);
            gaps.Add((next - killed).TotalSeconds);
            if (kill < kills)
                await silos.StartAsync();
        }

        Load.Report($"kill to the next committed row, {(isFast ? "FastFailover" : "default")}: {string.Join(", ", gaps.Select(g => g.ToString("F1", CultureInfo.InvariantCulture)))} s, median {gaps.Order().ElementAt(gaps.Count / 2).ToString("F1", CultureInfo.InvariantCulture)} s");
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

    private static Task<RunHandle<string>[]> StartAsync(IGranaryClient client, string workflow, string input, int count) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(i => client.Workflow<string, string>(workflow).StartAsync(input, new() { Id = $"{workflow} {i}" }, Stop)));

    /// <summary>A journal's name in idempotency keys.</summary>
    private static string Journal(long key) => key.ToString(CultureInfo.InvariantCulture);
}
