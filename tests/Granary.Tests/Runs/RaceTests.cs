using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class RaceTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task many_runs_of_many_steps_at_once_all_end_right()
    {
        const int Runs = 256;
        const int Steps = 10;
        var bodies = 0;
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, int>("sum", async (ctx, start) =>
        {
            var sum = start;
            for (var i = 0; i < Steps / 2; i++)
            {
                var (a, b) = (ctx.StepAsync($"a{i}", BodyAsync), ctx.StepAsync($"b{i}", BodyAsync));
                sum += (await a * 10) + await b;
            }

            return sum;

            async Task<int> BodyAsync(StepContext step)
            {
                Interlocked.Increment(ref bodies);
                await Task.Yield();
                return step.Name[0] == 'a' ? start : 1;
            }
        }));

        var results = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i => Task.Run(() =>
            app.Client.Workflow<int, int>("sum").RunAsync(i, new() { Id = $"run {i}" }, Stop))));

        Assert.Equal(Enumerable.Range(0, Runs).Select(i => i + (Steps / 2 * ((i * 10) + 1))), results);
        Assert.Equal(Runs * Steps, bodies);
        Assert.Equal([["StepSucceeded", (long)Runs * Steps], ["Started", (long)Runs], ["Succeeded", (long)Runs]],
            app.Query("select kind, count(*) from granary_journal_v where kind <> 'StepRunning' group by kind order by count(*) desc, kind"));
        Invariants.AssertHold(app.DataPath);
    }
}
