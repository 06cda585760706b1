using Granary.Journal;
using Granary.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>Two runs may draw one key: the second takes another, and nobody notices.</summary>
[Trait("Speed", "Slow")]
public sealed class KeyCollisionTests
{
    [Fact]
    public async Task runs_that_draw_keys_at_one_instant_all_start()
    {
        // All keys differ in 21 random bits only: of these many, about nine pairs are equal.
        const int Runs = 6_000;
        await using var app = await TestApp.StartAsync(g =>
        {
            g.AddWorkflow<int, int>("echo", (_, n) => Task.FromResult(n));
            g.Services.AddSingleton(new RunKeys(new StoppedClock()));
        });

        var echo = app.Client.Workflow<int, int>("echo");
        for (var first = 0; first < Runs; first += 1_000)
            Assert.Equal(Enumerable.Range(first, 1_000), await Task.WhenAll(Enumerable.Range(first, 1_000).Select(i => echo.RunAsync(i, new() { Id = $"r{i}" }, TestContext.Current.CancellationToken))));

        Assert.Equal([[(long)Runs, (long)Runs, 1L]], app.Query("select count(*), count(distinct key), count(distinct key >> 21) from granary_runs where status = 'succeeded'"));
        Invariants.AssertHold(app.DataPath);
    }

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    }
}
