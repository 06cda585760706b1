using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class TimerTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Scenario", "W-09")]
    public async Task a_sleep_ends_at_its_first_due_time_after_a_restart()
    {
        using var data = new TestDatabase();
        void App(IGranaryBuilder g) => g.AddWorkflow<int, string>("sleep", async (ctx, seconds) =>
        {
            await ctx.SleepAsync(TimeSpan.FromSeconds(seconds));
            return "awake";
        });

        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Workflow<int, string>("sleep").StartAsync(3, new() { Id = "sleeper" }, Stop);
            await Eventually.TrueAsync(data.Path, "the sleep is recorded", () => data.Count("sleeper", "TimerStarted") == 1);
            var run = Assert.Single(data.Query("select status, waiting_on, wake_at is not null from granary_runs_v"));
            Assert.Equal(["waiting", "timer", 1L], run);
        }

        var due = Due(data);
        await using (var app = await data.StartAsync(App))
            Assert.Equal("awake", await app.Client.Run<string>("sleeper").ResultAsync(Stop));

        Assert.Equal(1, data.Count("sleeper", "TimerStarted"));
        Assert.Equal(due, Due(data));
        var (started, claimed, woken) = (Committed(data, "Started"), Committed(data, "Claimed"), Committed(data, "StepSucceeded"));
        Assert.Equal(3_000_000, due - started);
        Assert.InRange(woken, due, Math.Max(due, claimed) + 5_000_000);
        Invariants.AssertHold(data.Path);
    }

    [Fact]
    public async Task a_sleep_of_zero_or_until_an_instant_that_has_passed_only_yields()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, bool>("yield", async (ctx, _) =>
        {
            var before = ctx.UtcNow;
            await ctx.SleepAsync(TimeSpan.Zero);
            await ctx.SleepUntilAsync(before.AddDays(-1));
            return ctx.UtcNow >= before;
        }));

        Assert.True(await app.Client.Workflow<int, bool>("yield").RunAsync(0, cancellationToken: Stop));
        Assert.Equal([["a1", "timer", "succeeded"], ["a2", "timer", "succeeded"]],
            app.Query("select step_key, kind, outcome from granary_steps_v order by seq"));
    }

    [Fact]
    public async Task sleeps_in_branches_wait_side_by_side_and_the_run_shows_the_nearest()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, int>("sleeps", async (ctx, _) =>
        {
            await ctx.WhenAnyAsync(ctx.SleepAsync(TimeSpan.FromHours(2)), ctx.SleepAsync(TimeSpan.FromHours(1)));
            return 0;
        }));

        var run = await app.Client.Workflow<int, int>("sleeps").StartAsync(0, cancellationToken: Stop);
        await Eventually.TrueAsync(app.DataPath, "it waits", () => (string)app.Query("select status from granary_runs_v")[0][0]! == "waiting");

        Assert.Equal("timer", (await run.InfoAsync(Stop)).WaitingOn);
        Assert.Equal([[1L]], app.Query("select r.wake_at = (select min(due_at) from granary_journal where kind = 'TimerStarted') from granary_runs r"));
        Assert.Equal([[2L]], app.Query("select count(*) from granary_journal where kind = 'TimerStarted'"));
    }

    private static long Due(TestDatabase data) => (long)data.Query("select due_at from granary_journal where kind = 'TimerStarted'")[0][0]!;

    private static long Committed(TestDatabase data, string kind) =>
        (long)data.Query($"select committed_at from granary_journal where kind = '{kind}'")[0][0]!;
}
