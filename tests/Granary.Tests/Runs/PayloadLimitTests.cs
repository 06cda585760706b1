using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class PayloadLimitTests
{
    private const int Limit = 4096;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_value_over_the_limit_is_refused_where_it_arises()
    {
        await using var app = await TestApp.StartAsync(g =>
        {
            g.Configure(o => o.Payloads.MaxBytes = Limit);
            g.AddWorkflow<string, string>("echo", (_, text) => Task.FromResult(text));
            g.AddWorkflow<int, string>("step", async (ctx, length) =>
            {
                var e = await Caught.OfAsync<StepFailedException>(() => ctx.StepAsync("large", _ => Task.FromResult(new string('x', length)), new() { Retry = new(5) }));
                return $"{e.Code} {e.Error.Code} {e.Attempts.Count} {e.Error.Message.Contains("step 'large' (a1)", StringComparison.Ordinal)}";
            });
            g.AddWorkflow<int, string>("result", (_, length) => Task.FromResult(new string('x', length)));
        });

        // As JSON a text has its quotes.
        var most = new string('x', Limit - 2);
        Assert.Equal(most, await app.Client.Workflow<string, string>("echo").RunAsync(most, new() { Id = "fits" }, Stop));
        var e = await Assert.ThrowsAsync<PayloadException>(() => app.Client.Workflow<string, string>("echo").StartAsync(most + "x", new() { Id = "large" }, Stop));
        Assert.Equal("GRN1601", e.Code);
        Assert.Contains("input of run 'large'", e.Message);
        Assert.Equal([["fits"]], app.Query("select id from granary_runs"));

        Assert.Equal("GRN1301 GRN1601 1 True", await app.Client.Workflow<int, string>("step").RunAsync(Limit, cancellationToken: Stop));

        var failed = await Assert.ThrowsAsync<RunFailedException>(() => app.Client.Workflow<int, string>("result").RunAsync(Limit, new() { Id = "result" }, Stop));
        Assert.Equal("GRN1601", failed.Error.Code);
        Assert.Contains("result of run 'result'", failed.Error.Message);
        Invariants.AssertHold(app.DataPath);
    }
}
