using Granary.Tests.Crashes;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>The database goes away under load and comes back.</summary>
[Trait("Speed", "Slow")]
public sealed class OutageTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Scenario", "X-04")]
    public async Task twenty_seconds_without_the_database_pause_runs_and_fail_none()
    {
        using var server = PostgresServer.Own();
        await using var silos = new SiloProcesses(server);
        await silos.StartAsync(3);
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        await using var impatient = await OutsideClient.ConnectAsync(silos.Connection, o => o.ConnectTimeout = TimeSpan.FromSeconds(1));
        var chains = await Task.WhenAll(Enumerable.Range(0, 30).Select(i =>
            client.Client.Workflow<string, string>("chain").StartAsync("12 500", new() { Id = $"c{i}" }, Stop)));
        var sleepers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            client.Client.Workflow<string, string>("sleeper").StartAsync($"{1000 + (i * 1500)}", new() { Id = $"s{i}" }, Stop)));
        await silos.TrueAsync("work is done", () => silos.One<long>("select count(*) from granary_steps_v where outcome = 'succeeded'") > 60);

        server.StopAtOnce();
        var gone = DateTimeOffset.UtcNow;
        var refused = await Assert.ThrowsAsync<GranaryUnavailableException>(() =>
            impatient.Client.Workflow<string, string>("chain").StartAsync("1 1", new() { Id = "refused" }, Stop));
        Assert.True(refused is { Code: "GRN9001", IsTransient: true, RetryAfter: not null }, refused.ToString());
        while (DateTimeOffset.UtcNow - gone < TimeSpan.FromSeconds(20))
            await Task.Delay(100, Stop);
        server.StartAgain();
        var back = DateTimeOffset.UtcNow;
        await silos.TrueAsync("a row is committed again", () => silos.One<bool>($"select max(committed_at::timestamptz) > '{back:O}' from granary_journal_v"));
        Load.Report($"the database back to the next committed row: {(DateTimeOffset.UtcNow - back).TotalSeconds:F1} s");

        await silos.TrueAsync("all have ended", () => silos.One<long>("select count(*) from granary_runs_v where id <> 'refused' and status = 'succeeded'") == 50, 90);
        Assert.All(await Task.WhenAll(chains.Select(r => r.ResultAsync(Stop))), result => Assert.Equal("78", result));
        Assert.All(await Task.WhenAll(sleepers.Select(r => r.ResultAsync(Stop))), result => Assert.Equal("awake", result));
        Assert.Equal([[0L]], silos.Query("select max(recovery_attempts) from granary_runs_v"));
        Assert.Equal("1", await client.Client.Workflow<string, string>("chain").RunAsync("1 1", new() { Id = "refused" }, Stop));
        silos.AssertSound();
        silos.AssertOnce();
    }
}
