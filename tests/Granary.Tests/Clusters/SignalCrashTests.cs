using System.Globalization;
using Granary.Tests.Crashes;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>Messages to runs whose silos are killed.</summary>
[Trait("Speed", "Slow")]
public sealed class SignalCrashTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("claim: committed#1")]
    [InlineData("run: StepSucceeded committed#1")]
    [InlineData("writer: after the commit#3")]
    public async Task a_parked_run_goes_on_with_its_signal_though_the_silo_dies_with_the_commit(string place)
    {
        await using var silos = new SiloProcesses(isFast: true, environment: new Dictionary<string, string> { ["GRANARY_CRASH_AT"] = place });
        var first = await silos.StartAsync();
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        var run = await client.Client.Workflow<string, string>("mailbox").StartAsync("2", new() { Id = "r" }, Stop);
        await silos.TrueAsync("it is parked", () => silos.Query("select 1 from granary_runs_v where status = 'waiting' and waiting_on = 'signal' and owner is null").Count == 1);
        var signal = run.SignalAsync("n", "1", cancellationToken: Stop);
        Assert.Equal(137, await first.EndAsync());
        await silos.StartAsync(environment: new Dictionary<string, string>());

        // The client asks again under its key; a signal that was stored with the crash isn't stored again.
        await signal;
        await run.SignalAsync("n", "2", cancellationToken: Stop);
        Assert.Equal("1 2", await run.ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop));
        Assert.Equal([[2L]], silos.Query("select count(*) from granary_journal_v where kind = 'SignalReceived'"));
        silos.AssertSound();
    }

    [Fact]
    [Trait("Scenario", "M-07")]
    public async Task signals_to_runs_whose_silos_are_killed_come_once_and_in_their_order()
    {
        const int Runs = 25;
        const int Signals = 40;
        await using var silos = new SiloProcesses(isFast: true);
        var alive = (await silos.StartAsync(3)).ToList();
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        var sending = Enumerable.Range(0, Runs).Select(async r =>
        {
            var run = await client.Client.Workflow<string, string>("mailbox").StartAsync($"{Signals}", new() { Id = $"r{r}" }, Stop);
            var random = new Random(r);
            for (var i = 0; i < Signals; i++)
            {
                // Now and then long enough that the run is parked meanwhile.
                await Task.Delay(i % 10 == 9 ? random.Next(1_000, 4_000) : random.Next(0, 200), Stop);
                await SendAsync(run, $"{i}");
            }

            return await run.ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(90), Stop);
        }).ToList();
        var kills = 0;
        while (!sending.TrueForAll(s => s.IsCompleted) && kills < 5)
        {
            await Task.WhenAny(Task.WhenAll(sending), Task.Delay(TimeSpan.FromSeconds(4), Stop));
            alive[kills % 3].Kill();
            alive[kills % 3] = await silos.StartAsync();
            kills++;
        }

        var expected = string.Join(' ', Enumerable.Range(0, Signals));
        Assert.All(await Task.WhenAll(sending), result => Assert.Equal(expected, result));
        Assert.Equal([[(long)Runs * Signals]], silos.Query("select count(*) from granary_journal_v where kind = 'SignalReceived'"));
        Assert.Equal(Signals, await client.Client.Run("r0").Event<int>("got").GetAsync(Stop));
        silos.AssertSound();
        Load.Report($"{kills} kills, {Runs * Signals} signals, {silos.One<long>("select count(*) from granary_journal_v where kind = 'Parked'").ToString(CultureInfo.InvariantCulture)} parks");
    }

    /// <summary>A sender keeps its key while it asks again.</summary>
    private static async Task SendAsync(RunHandle run, string value)
    {
        for (var giveUp = DateTimeOffset.UtcNow.AddMinutes(2); ;)
        {
            try
            {
                await run.SignalAsync("n", value, $"key {value}", Stop);
                return;
            }
            catch (GranaryException e) when (e.IsTransient && DateTimeOffset.UtcNow < giveUp)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), Stop);
            }
        }
    }
}
