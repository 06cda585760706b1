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

    private sealed class Brittle : IDisposable
    {
        public void Dispose() => throw new InvalidOperationException("dispose");
    }
}
