using Granary.Journal;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>Runs that a process must take up while its store answers only now and then.</summary>
public sealed class TakeUpTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task a_run_is_taken_up_though_searching_and_reading_failed_at_first()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        void App(IGranaryBuilder g) => g.AddWorkflow<int, int>("w", async (ctx, n) =>
        {
            await ctx.StepAsync("one", _ => Task.FromResult(1));
            await ctx.StepAsync("gate", gate.PassAsync);
            return n;
        });
        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Workflow<int, int>("w").StartAsync(7, new() { Id = "r" }, Stop);
            await gate.Reached.WaitAsync(Stop);
        }

        gate.Open();
        var failures = new Dictionary<string, int> { ["FindOrphansAsync"] = 1, ["ReadAsync"] = 3 };
        await using (var app = await data.StartAsync(g =>
        {
            App(g);
            TestStore.Put(g.Services, (name, call) =>
            {
                lock (failures)
                {
                    if (failures.TryGetValue(name, out var left) && left > 0)
                    {
                        failures[name] = left - 1;
                        throw new StoreUnavailableException("away", new IOException("away"));
                    }
                }

                return call();
            });
        }))
        {
            Assert.Equal(7, await app.Client.Run<int>("r").ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop));
        }

        Assert.All(failures.Values, left => Assert.Equal(0, left));
        Assert.Equal(1, data.Count("r", "Claimed"));
        Assert.Equal([[0L]], data.Query("select recovery_attempts from granary_runs_v"));
        Assert.Equal(1, data.Count("r", "StepSucceeded") - 1);
        Invariants.AssertHold(data.Path);
    }
}
