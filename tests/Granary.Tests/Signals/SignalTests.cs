using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Signals;

/// <summary>Messages to runs that wait for them, that don't yet, and that are parked.</summary>
public sealed class SignalTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static void Parking(IGranaryBuilder g) => g.Configure(o => o.ParkAfter = TimeSpan.FromSeconds(1))
        .AddWorkflow<int, string>("collect", async (ctx, count) =>
        {
            var got = new List<string>();
            for (var i = 0; i < count; i++)
                got.Add(await ctx.WaitForSignalAsync<string>("word"));
            return string.Join(' ', got);
        });

    private static void Pair(IGranaryBuilder g) => g.AddWorkflow<None, string>("pair", async (ctx, _) =>
    {
        await ctx.WaitForSignalAsync<None>("go");
        var b = await ctx.WaitForSignalAsync<string>("b");
        var a = await ctx.WaitForSignalAsync<string>("a");
        return $"{a}{b}";
    });

    [Fact]
    [Trait("Scenario", "M-01")]
    public async Task a_signal_ends_the_wait_and_both_are_in_the_journal()
    {
        await using var app = await TestApp.StartAsync(Parking);
        var run = await app.Client.Workflow<int, string>("collect").StartAsync(2, new() { Id = "r" }, Stop);
        await run.SignalAsync("word", "hello", cancellationToken: Stop);
        await run.SignalAsync("word", "world", cancellationToken: Stop);

        Assert.Equal("hello world", await run.ResultAsync(Stop));
        Assert.Equal([["signal", "word", "succeeded"], ["signal", "word", "succeeded"]], app.Query("select kind, name, outcome from granary_steps_v order by step"));
        Assert.Equal([[2L]], app.Query("select count(*) from granary_journal_v where kind = 'SignalReceived'"));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    [Trait("Scenario", "M-03")]
    public async Task signals_that_come_before_their_wait_are_kept_by_topic_in_their_order()
    {
        await using var app = await TestApp.StartAsync(Pair);
        var run = await app.Client.Workflow<None, string>("pair").StartAsync(None.Value, new() { Id = "r" }, Stop);
        await run.SignalAsync("a", "1", cancellationToken: Stop);
        await run.SignalAsync("b", "2", cancellationToken: Stop);
        await run.SignalAsync("a", "3", cancellationToken: Stop);
        await run.SignalAsync("go", None.Value, cancellationToken: Stop);

        Assert.Equal("12", await run.ResultAsync(Stop));
    }

    [Fact]
    [Trait("Scenario", "M-02")]
    public async Task a_wait_that_ends_without_a_signal_is_told_from_a_null_that_was_sent()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, string>("limit", async (ctx, ms) =>
            await ctx.WaitForSignalAsync<string?>("t", TimeSpan.FromMilliseconds(ms)) is { } signal ? $"got {signal.Value ?? "null"}" : "nothing"));

        Assert.Equal("nothing", await app.Client.Workflow<int, string>("limit").RunAsync(300, new() { Id = "late" }, Stop));
        var run = await app.Client.Workflow<int, string>("limit").StartAsync(60_000, new() { Id = "null" }, Stop);
        await run.SignalAsync<string?>("t", null, cancellationToken: Stop);
        Assert.Equal("got null", await run.ResultAsync(Stop));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    [Trait("Scenario", "M-05")]
    public async Task a_key_is_one_message_for_its_run_also_when_that_has_ended()
    {
        await using var app = await TestApp.StartAsync(Parking);
        var one = await app.Client.Workflow<int, string>("collect").StartAsync(2, new() { Id = "one" }, Stop);
        var two = await app.Client.Workflow<int, string>("collect").StartAsync(1, new() { Id = "two" }, Stop);
        for (var i = 0; i < 5; i++)
            await one.SignalAsync("word", "once", "key", Stop);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => one.SignalAsync("word", "twice", "other", Stop)));
        await two.SignalAsync("word", "else", "key", Stop);

        Assert.Equal("once twice", await one.ResultAsync(Stop));
        Assert.Equal("else", await two.ResultAsync(Stop));
        await one.SignalAsync("word", "once", "key", Stop);
        var refused = await Assert.ThrowsAsync<RunStateException>(() => one.SignalAsync("word", "late", "new", Stop));
        Assert.Equal(("GRN1003", RunStatus.Succeeded), (refused.Code, refused.Status));
        Assert.Equal([[3L]], app.Query("select count(*) from granary_journal_v where kind = 'SignalReceived'"));
    }

    [Fact]
    public async Task a_parked_run_is_woken_by_its_signal_and_the_claim_carries_it()
    {
        await using var app = await TestApp.StartAsync(Parking);
        var run = await app.Client.Workflow<int, string>("collect").StartAsync(1, new() { Id = "r" }, Stop);
        await Eventually.TrueAsync(app.DataPath, "it is parked", () => app.Query("select 1 from granary_runs_v where status = 'waiting' and waiting_on = 'signal' and owner is null and wake_at is null").Count == 1);
        await run.SignalAsync("word", "awake", cancellationToken: Stop);

        Assert.Equal("awake", await run.ResultAsync(Stop));
        Assert.Equal(
            ["Started", "Parked", "Claimed", "SignalReceived", "StepSucceeded", "Succeeded"],
            app.Query("select kind from granary_journal_v order by seq").Select(r => (string)r[0]!));
        Assert.Equal([[0L]], app.Query("select recovery_attempts from granary_runs_v"));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    public async Task what_was_accepted_before_the_process_went_is_there_after_it_came_back()
    {
        using var data = new TestDatabase();
        await using (var app = await data.StartAsync(Pair))
        {
            var run = await app.Client.Workflow<None, string>("pair").StartAsync(None.Value, new() { Id = "r" }, Stop);
            await run.SignalAsync("a", "1", "k1", Stop);
            await run.SignalAsync("go", None.Value, "k2", Stop);
            await Eventually.TrueAsync(data.Path, "the wait for b has begun", async () => (await run.InfoAsync(Stop)).WaitingOn == "signal");
        }

        await using (var app = await data.StartAsync(Pair))
        {
            var run = app.Client.Run<string>("r");
            await run.SignalAsync("a", "again", "k1", Stop);
            await run.SignalAsync("b", "2", "k3", Stop);
            Assert.Equal("12", await run.ResultAsync(Stop));
            Assert.Equal([[0L]], app.Query("select recovery_attempts from granary_runs_v"));
        }

        Invariants.AssertHold(data.Path);
    }

    [Fact]
    public async Task a_run_that_no_build_here_knows_takes_its_signals_all_the_same()
    {
        using var data = new TestDatabase();
        await using (var app = await data.StartAsync(_ => { }))
        {
            var run = await app.Client.Workflow("collect").StartAsync(2, new() { Id = "r" }, Stop);
            await run.SignalAsync("word", "early", "k1", Stop);
            await run.SignalAsync("word", "early", "k1", Stop);
            await run.SignalAsync("word", "bird", "k2", Stop);
            Assert.Equal("version", (await run.InfoAsync(Stop)).WaitingOn);
        }

        await using (var app = await data.StartAsync(Parking))
            Assert.Equal("early bird", await app.Client.Run<string>("r").ResultAsync(Stop));
        Invariants.AssertHold(data.Path);
    }

    [Fact]
    public async Task many_senders_at_once_lose_and_double_nothing()
    {
        const int Count = 300;
        await using var app = await TestApp.StartAsync(Parking);
        var run = await app.Client.Workflow<int, string>("collect").StartAsync(Count, new() { Id = "r" }, Stop);
        await Task.WhenAll(Enumerable.Range(0, Count).Select(i => run.SignalAsync("word", $"{i}", cancellationToken: Stop)));

        var words = (await run.ResultAsync(Stop)).Split(' ').Select(int.Parse).ToList();
        Assert.Equal(Enumerable.Range(0, Count), words.Order());
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    public async Task a_signal_that_meets_the_parking_of_its_run_wakes_it_all_the_same()
    {
        const int Runs = 200;
        await using var app = await TestApp.StartAsync(Parking);
        var results = await Task.WhenAll(Enumerable.Range(0, Runs).Select(async r =>
        {
            var run = await app.Client.Workflow<int, string>("collect").StartAsync(3, new() { Id = $"r{r}" }, Stop);
            for (var i = 0; i < 3; i++)
            {
                // The run parks a second after it came to rest: each of these falls somewhere around that moment.
                await Task.Delay(950 + r, Stop);
                await run.SignalAsync("word", $"{i}", cancellationToken: Stop);
            }

            return await run.ResultAsync(Stop);
        }));

        Assert.All(results, result => Assert.Equal("0 1 2", result));
        Assert.True((long)app.Query("select count(*) from granary_journal_v where kind = 'Parked'")[0][0]! > Runs / 2);
        Assert.Equal([[0L]], app.Query("select max(recovery_attempts) from granary_runs_v"));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    public async Task bad_topics_and_keys_and_unknown_runs_are_refused()
    {
        await using var app = await TestApp.StartAsync(Parking);
        var run = await app.Client.Workflow<int, string>("collect").StartAsync(1, new() { Id = "r" }, Stop);
        Assert.Equal("GRN1703", (await Assert.ThrowsAsync<GranaryUsageException>(() => run.SignalAsync(" ", "x", cancellationToken: Stop))).Code);
        Assert.Equal("GRN1703", (await Assert.ThrowsAsync<GranaryUsageException>(() => run.SignalAsync(new string('t', 129), "x", cancellationToken: Stop))).Code);
        Assert.Equal("GRN1704", (await Assert.ThrowsAsync<GranaryUsageException>(() => run.SignalAsync("t", "x", new string('k', 257), Stop))).Code);
        await Assert.ThrowsAsync<RunNotFoundException>(() => app.Client.Run("nobody").SignalAsync("t", "x", cancellationToken: Stop));
        Assert.Equal([[0L]], app.Query("select count(*) from granary_signals"));
    }
}
