using Granary.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class HostileCodeTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task user_code_that_throws_where_it_must_not_holds_nothing_up()
    {
        var bodies = 0;
        await using var app = await TestApp.StartAsync(g =>
        {
            g.Services.AddScoped<Brittle>();
            g.AddWorkflow<int, string>("callback", async (ctx, _) =>
            {
                ctx.CancellationToken.Register(() => throw new InvalidOperationException("callback"));
                return await ctx.StepAsync("one", _ => Task.FromResult("ended"));
            });
            g.AddWorkflow<int, string>("draw", async (ctx, _) =>
            {
                Assert.Throws<PayloadException>(() => ctx.Random.NextBytes(new byte[20 << 20]));
                return await ctx.StepAsync("after", _ => Task.FromResult("went on"));
            });
            g.AddWorkflow<int, string>("dispose", (ctx, _) => ctx.StepAsync("paid", step =>
            {
                bodies++;
                step.Services.GetRequiredService<Brittle>();
                return Task.FromResult("paid");
            }, new() { Retry = new(3) { Delay = TimeSpan.Zero } }));
        });

        Assert.Equal("ended", await app.Client.Workflow<int, string>("callback").RunAsync(0, cancellationToken: Stop).WaitAsync(TimeSpan.FromSeconds(30), Stop));
        Assert.Equal("went on", await app.Client.Workflow<int, string>("draw").RunAsync(0, cancellationToken: Stop).WaitAsync(TimeSpan.FromSeconds(30), Stop));
        Assert.Equal("paid", await app.Client.Workflow<int, string>("dispose").RunAsync(0, cancellationToken: Stop).WaitAsync(TimeSpan.FromSeconds(30), Stop));
        Assert.Equal(1, bodies);
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task code_that_blocks_is_told_of_and_goes_on_when_it_lets_go()
    {
        using var letGo = new ManualResetEventSlim();
        await using var app = await TestApp.StartAsync(g =>
        {
            g.AddWorkflow<int, string>("blocks", async (ctx, _) =>
            {
                letGo.Wait(TimeSpan.FromSeconds(50), CancellationToken.None);
                return await ctx.StepAsync("after", _ => Task.FromResult("went on"));
            });
        });

        var run = await app.Client.Workflow<int, string>("blocks").StartAsync(0, new() { Id = "r" }, Stop);
        await Eventually.TrueAsync(app.DataPath, "the log tells of it", () => app.Log.Lines.Any(line => line.Text.StartsWith("GRN1208: the code of run 'r'", StringComparison.Ordinal)));
        letGo.Set();
        Assert.Equal("went on", await run.ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(30), Stop));
    }

    [Fact]
    public async Task a_branch_begun_off_the_runs_thread_that_meets_a_step_stops_the_run_visibly()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        void App(IGranaryBuilder g, bool isNew) => g.AddWorkflow<int, int>("w", async (ctx, _) =>
        {
            if (isNew)
                await Task.Run(() => ctx.BranchAsync("b", () => Task.FromResult(1)));
            else
                await ctx.StepAsync("a", _ => Task.FromResult(1));
            await ctx.StepAsync("gate", gate.PassAsync);
            return 1;
        });

        await using (var app = await data.StartAsync(g => App(g, isNew: false)))
        {
            await app.Client.Workflow<int, int>("w").StartAsync(0, new() { Id = "r" }, Stop);
            await gate.Reached.WaitAsync(Stop);
        }

        await using (var app = await data.StartAsync(g => App(g, isNew: true)))
        {
            await Eventually.TrueAsync(data.Path, "the run waits for its version", async () => await app.Client.Run("r").InfoAsync(Stop) is { WaitingOn: "version", Error.Code: "GRN1203" });
        }
    }

    private sealed class Brittle : IDisposable
    {
        public void Dispose() => throw new InvalidOperationException("dispose");
    }
}
