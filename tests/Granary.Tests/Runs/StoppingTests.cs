using System.Diagnostics;
using Granary.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class StoppingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task calls_before_the_start_and_after_the_stop_of_their_process_are_refused_in_the_callers_terms()
    {
        var path = TestData.NewPath();
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.AddGranary(g => g.Configure(o => o.DataPath = path).AddWorkflow<int, int>("w", (_, n) => Task.FromResult(n)));
        using var host = builder.Build();
        var client = host.Services.GetRequiredService<IGranaryClient>();

        await RefusedAsync();
        await host.StartAsync(Stop);
        Assert.Equal(7, await client.Workflow<int, int>("w").RunAsync(7, new() { Id = "r" }, Stop));
        await host.StopAsync(Stop);
        await RefusedAsync();
        TestData.Delete(path);

        async Task RefusedAsync()
        {
            foreach (var call in (Func<Task>[])[
                () => client.Workflow<int, int>("w").StartAsync(1, new() { Id = "s" }, Stop),
                () => client.Run("r").InfoAsync(Stop),
                () => client.Run<int>("r").ResultAsync(Stop)])
            {
                var e = await Assert.ThrowsAsync<GranaryUnavailableException>(() => call().WaitAsync(TimeSpan.FromSeconds(20), Stop));
                Assert.True(e.IsTransient);
            }
        }
    }

    [Fact]
    public async Task a_process_stops_at_once_though_callers_wait_for_results_of_runs_that_go_on_later()
    {
        var started = new TaskCompletionSource();
        var app = await TestApp.StartAsync(g => g.AddWorkflow<int, int>("slow", async (ctx, n) =>
        {
            await ctx.StepAsync("one", _ => Task.FromResult(1));
            return await ctx.StepAsync("two", async step =>
            {
                started.TrySetResult();
                await Task.Delay(Timeout.Infinite, step.CancellationToken);
                return n;
            });
        }), TestData.NewPath());
        var run = await app.Client.Workflow<int, int>("slow").StartAsync(1, new() { Id = "r" }, Stop);
        var result = run.ResultAsync(Stop);
        var watch = Task.Run(async () =>
        {
            await foreach (var _ in run.WatchAsync(cancellationToken: Stop))
            {
            }
        }, Stop);
        await started.Task;

        var clock = Stopwatch.StartNew();
        await app.DisposeAsync();

        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        await Assert.ThrowsAnyAsync<Exception>(() => result);
        await Assert.ThrowsAnyAsync<Exception>(() => watch);
        Assert.Equal(
            ["Started", "StepSucceeded", "Released"],
            TestData.Query(app.DataPath, "select kind from granary_journal_v where kind <> 'StepRunning' order by seq").Select(r => (string)r[0]!));
        Assert.Equal([["running", null, 0L]], TestData.Query(app.DataPath, "select status, owner, recovery_attempts from granary_runs_v"));
        TestData.Delete(app.DataPath);
    }
}
