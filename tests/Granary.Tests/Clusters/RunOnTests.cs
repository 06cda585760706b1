using System.Globalization;
using Granary.Tests.Crashes;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>Tools that run on a silo of another role than the run's.</summary>
[Trait("Speed", "Slow")]
public sealed class RunOnTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_tool_whose_silo_dies_runs_again_on_another_of_the_role_under_the_same_key_and_attempt()
    {
        await using var silos = new SiloProcesses(isFast: true);
        await silos.StartAsync(2);
        var first = await silos.StartAsync("gpu");
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        var (id, journal) = await StartElsewhereAsync(silos, client.Client, first, "4000 milliseconds");
        await silos.TrueAsync("the tool begins", () => Begun(silos, journal).Count == 1);
        first.Kill();
        await silos.TrueAsync("the run waits for a silo", () => silos.Query($"select 1 from granary_runs_v where id = '{id}' and waiting_on = 'silo' and status = 'waiting' and owner is not null and wake_at is null").Count == 1);

        var second = await silos.StartAsync("gpu");
        Assert.Contains("rendered 4000", await client.Client.Run<string>(id).ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop), StringComparison.Ordinal);
        var begun = Begun(silos, journal);
        Assert.Equal([first.Pid, second.Pid], begun.Select(e => e.Pid));
        Assert.Single(begun.Select(e => (e.Journal, e.Key, e.Attempt)).Distinct());
        Assert.Equal([["succeeded", 0L]], silos.Query($"select status, recovery_attempts from granary_runs_v where id = '{id}'"));
        silos.AssertSound();
    }

    [Fact]
    public async Task a_tool_whose_run_is_taken_over_is_cancelled_and_sent_again()
    {
        await using var silos = new SiloProcesses(isFast: true);
        await silos.StartAsync(2);
        var worker = await silos.StartAsync("gpu");
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);

        var (id, journal) = await StartElsewhereAsync(silos, client.Client, worker, "3000 milliseconds");
        await silos.TrueAsync("the tool begins", () => Begun(silos, journal).Count == 1);
        silos.Of(silos.One<string>($"select owner from granary_runs_v where id = '{id}'")).Kill();

        Assert.Contains("rendered 3000", await client.Client.Run<string>(id).ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop), StringComparison.Ordinal);
        Assert.Equal([[1L]], silos.Query($"select recovery_attempts from granary_runs_v where id = '{id}'"));
        Assert.Equal([[0L]], silos.Query($"select attempt from granary_steps_v where run_id = '{id}' and kind = 'tool'"));
        silos.AssertSound();
    }

    [Fact]
    [Trait("Scenario", "C-06")]
    public async Task a_cancel_reaches_a_tool_on_another_silo()
    {
        await using var silos = new SiloProcesses();
        await silos.StartAsync(2);
        var worker = await silos.StartAsync("gpu");
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        var (id, journal) = await StartElsewhereAsync(silos, client.Client, worker, "60000 milliseconds");
        await silos.TrueAsync("the tool begins", () => Begun(silos, journal).Count == 1);
        var asked = DateTimeOffset.UtcNow;
        await client.Client.Run(id).CancelAsync("enough", Stop);
        await silos.TrueAsync("the tool is told", () => silos.Effects.Any(e => e.Journal == journal && e.What == "cancelled"), 5);
        Load.Report($"cancel to the tool's token on another silo: {(DateTimeOffset.UtcNow - asked).TotalMilliseconds:F0} ms");

        Assert.Equal("enough", (await Assert.ThrowsAsync<RunCancelledException>(() => client.Client.Run<string>(id).ResultAsync(Stop))).Reason);
        Assert.Empty(silos.Query($"select 1 from granary_steps_v where run_id = '{id}' and kind = 'tool' and outcome <> 'running'"));
        silos.AssertSound();
    }

    /// <summary>Starts runs until one lies on another silo than that one, which would run its tool itself.</summary>
    private static async Task<(string Id, string Journal)> StartElsewhereAsync(SiloProcesses silos, IGranaryClient client, ChildProcess worker, string input)
    {
        for (var i = 0; ; i++)
        {
            var id = $"p{i}";
            await client.Workflow<string, string>("paint").StartAsync(input, new() { Id = id }, Stop);
            if (silos.Of(silos.One<string>($"select owner from granary_runs_v where id = '{id}'")).Pid != worker.Pid)
                return (id, silos.One<long>($"select run_key from granary_journal_v where run_id = '{id}' limit 1").ToString(CultureInfo.InvariantCulture));
        }
    }

    private static List<Effect> Begun(SiloProcesses silos, string journal) => [.. silos.Effects.Where(e => e.Begins && e.Journal == journal)];
}
