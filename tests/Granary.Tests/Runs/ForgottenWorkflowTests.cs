using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class ForgottenWorkflowTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_class_that_was_not_registered_is_refused_and_a_name_waits_and_says_why()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, int>("other", (_, n) => Task.FromResult(n)));

        var refused = Assert.Throws<GranaryUsageException>(() => app.Client.Workflow<Forgotten>());
        var run = await app.Client.Workflow("nope").StartAsync(1, cancellationToken: Stop);
        var info = await run.InfoAsync(Stop);

        Assert.Equal("GRN1803", refused.Code);
        Assert.Contains("AddWorkflow<Forgotten>", refused.Remedy, StringComparison.Ordinal);
        Assert.Equal((RunStatus.Waiting, "version", "GRN1803"), (info.Status, info.WaitingOn, info.Error?.Code));
        Assert.Equal([[1L]], app.Query("select count(*) from granary_runs"));
    }

    [Fact]
    public async Task another_input_under_the_same_id_is_logged()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, int>("echo", (_, n) => Task.FromResult(n)));

        Assert.Equal(1, await app.Client.Workflow<int, int>("echo").RunAsync(1, new() { Id = "r" }, Stop));
        Assert.Equal(1, await app.Client.Workflow<int, int>("echo").RunAsync(2, new() { Id = "r" }, Stop));

        Assert.Contains(app.Log.Lines, l => l.Text.Contains("Run 'r' was started again with another input", StringComparison.Ordinal));
    }

    private sealed class Forgotten : Workflow<int, int>
    {
        public override Task<int> RunAsync(WorkflowContext ctx, int input) => Task.FromResult(input);
    }
}
