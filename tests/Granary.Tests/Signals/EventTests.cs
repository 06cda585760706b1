using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Signals;

/// <summary>Named values that runs set and others read.</summary>
public sealed class EventTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static void Setter(IGranaryBuilder g) => g.AddWorkflow<int, string>("setter", async (ctx, count) =>
    {
        for (var i = 1; i <= count; i++)
        {
            await ctx.WaitForSignalAsync<None>("next");
            await ctx.SetEventAsync("step", i);
        }

        return "done";
    });

    [Fact]
    [Trait("Scenario", "E-01")]
    [Trait("Scenario", "E-04")]
    public async Task the_newest_value_is_read_and_all_are_kept_also_after_the_end()
    {
        await using var app = await TestApp.StartAsync(Setter);
        var run = await app.Client.Workflow<int, string>("setter").StartAsync(3, new() { Id = "r" }, Stop);
        Assert.Null(await run.Event<int>("step").GetAsync(TimeSpan.Zero, Stop));
        for (var i = 1; i <= 3; i++)
        {
            await run.SignalAsync("next", None.Value, cancellationToken: Stop);
            await Eventually.TrueAsync(app.DataPath, $"value {i} is there", async () => await run.Event<int>("step").GetAsync(TimeSpan.Zero, Stop) is { } now && now.Value == i);
        }

        Assert.Equal("done", await run.ResultAsync(Stop));
        Assert.Equal(3, await run.Event<int>("step").GetAsync(Stop));
        var history = new List<(int, string)>();
        await foreach (var value in run.Event<int>("step").HistoryAsync(Stop))
            history.Add((value.Value, value.Step.Value));
        Assert.Equal([(1, "a2"), (2, "a4"), (3, "a6")], history);
    }

    [Fact]
    [Trait("Scenario", "E-02")]
    public async Task a_reader_that_waits_is_told_when_the_value_is_set_or_when_its_time_is_over()
    {
        await using var app = await TestApp.StartAsync(Setter);
        var run = await app.Client.Workflow<int, string>("setter").StartAsync(1, new() { Id = "r" }, Stop);
        Assert.Null(await run.Event<int>("step").GetAsync(TimeSpan.FromMilliseconds(300), Stop));
        var waiting = run.Event<int>("step").GetAsync(Stop);
        var watched = new List<int>();
        var watching = Task.Run(async () =>
        {
            await foreach (var value in run.Event<int>("step").WatchAsync(Stop))
                watched.Add(value);
        }, Stop);
        await run.SignalAsync("next", None.Value, cancellationToken: Stop);
        Assert.Equal(1, await waiting);
        await watching;
        Assert.Equal([1], watched);
        var never = await Assert.ThrowsAsync<RunStateException>(() => run.Event<int>("other").GetAsync(Stop));
        Assert.Equal(RunStatus.Succeeded, never.Status);
    }
}
