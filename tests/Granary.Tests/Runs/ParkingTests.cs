using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class ParkingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_long_sleeper_costs_one_row_and_wakes_on_time()
    {
        await using var app = await TestApp.StartAsync(g => g.Configure(o => o.ParkAfter = TimeSpan.FromSeconds(1))
            .AddWorkflow<int, string>("sleeper", async (ctx, seconds) =>
            {
                var before = ctx.UtcNow;
                await ctx.SleepAsync(TimeSpan.FromSeconds(seconds));
                return (ctx.UtcNow - before).ToString();
            }));

        var run = await app.Client.Workflow<int, string>("sleeper").StartAsync(3, cancellationToken: Stop);
        await foreach (var update in run.WatchAsync(cancellationToken: Stop))
        {
            if (update is RunStatusChanged { Status: RunStatus.Waiting })
                break;
        }

        Assert.Equal([["waiting", "timer", null, 1L]], app.Query("select status, waiting_on, owner, wake_at is not null from granary_runs_v"));
        var slept = TimeSpan.Parse(await run.ResultAsync(Stop), System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(slept, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(4.5));
        Assert.Equal(
            ["Started", "TimerStarted", "Parked", "Claimed", "StepSucceeded", "Succeeded"],
            app.Query("select kind from granary_journal_v order by seq").Select(r => (string)r[0]!));
        Assert.Equal([[0L]], app.Query("select recovery_attempts from granary_runs_v"));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    public async Task a_run_that_was_due_while_no_process_lived_wakes_at_the_start()
    {
        var path = TestData.NewPath();
        static void Configure(IGranaryBuilder g) => g.Configure(o => o.ParkAfter = TimeSpan.FromSeconds(1))
            .AddWorkflow<int, string>("sleeper", async (ctx, seconds) =>
            {
                await ctx.SleepAsync(TimeSpan.FromSeconds(seconds));
                return "awake";
            });

        await using (var first = await TestApp.StartAsync(Configure, path))
        {
            var run = await first.Client.Workflow<int, string>("sleeper").StartAsync(2, new() { Id = "s" }, Stop);
            await foreach (var update in run.WatchAsync(cancellationToken: Stop))
            {
                if (update is RunStatusChanged { Status: RunStatus.Waiting })
                    break;
            }
        }

        await using (var second = await TestApp.StartAsync(Configure, path))
        {
            Assert.Equal("awake", await second.Client.Run<string>("s").ResultAsync(Stop));
            Assert.Equal([[0L]], second.Query("select recovery_attempts from granary_runs_v"));
        }

        Invariants.AssertHold(path);
        TestData.Delete(path);
    }
}
