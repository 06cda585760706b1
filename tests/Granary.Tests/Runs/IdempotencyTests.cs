using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class IdempotencyTests(LiveApp app) : IClassFixture<LiveApp>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Scenario", "I-01")]
    public async Task the_same_id_again_is_the_same_run()
    {
        var first = await app.Client.Workflow<string, string>("echo").StartAsync("hello", new() { Id = "twice" }, Stop);
        Assert.Equal("hello", await first.ResultAsync(Stop));
        var second = await app.Client.Workflow<string, string>("echo").StartAsync("hello", new() { Id = "twice" }, Stop);

        Assert.Equal("hello", await second.ResultAsync(Stop));
        Assert.Equal((true, false), (first.IsNew, first.InputDiffers));
        Assert.Equal((false, false), (second.IsNew, second.InputDiffers));
        Assert.Single(app.Steps("twice", "step_key"));
    }

    [Fact]
    [Trait("Scenario", "I-02")]
    public async Task many_starts_of_one_id_at_once_make_one_run()
    {
        var starts = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() =>
            app.Client.Workflow<string, string>("echo").StartAsync("hello", new() { Id = "fifty" }, Stop))));
        var results = await Task.WhenAll(starts.Select(run => run.ResultAsync(Stop)));

        Assert.Single(starts, run => run.IsNew);
        Assert.All(results, result => Assert.Equal("hello", result));
        Assert.Equal([["Started"], ["StepSucceeded"], ["Succeeded"]], app.Query("select kind from granary_journal_v where run_id = 'fifty' order by seq"));
    }

    [Fact]
    [Trait("Scenario", "I-03")]
    public async Task an_id_of_another_workflow_is_a_conflict_and_its_run_is_untouched()
    {
        await app.Client.Workflow<string, string>("echo").RunAsync("hello", new() { Id = "taken" }, Stop);
        var before = app.Query("select * from granary_runs where id = 'taken'");

        var e = await Assert.ThrowsAsync<RunConflictException>(() => app.Client.Workflow("code").StartAsync("hello", new() { Id = "taken" }, Stop));

        Assert.Equal(("GRN1002", "echo", "taken"), (e.Code, e.ExistingWorkflow, e.RunId.Value));
        Assert.Equal(before, app.Query("select * from granary_runs where id = 'taken'"));
        Assert.Equal(3, app.Query("select seq from granary_journal_v where run_id = 'taken'").Count);
    }

    [Fact]
    [Trait("Scenario", "I-04")]
    public async Task a_start_of_a_failed_run_gives_its_stored_error()
    {
        var bodies = 0;
        var id = new RunId(Guid.NewGuid().ToString());
        var first = await app.StartAsync(ctx => ctx.StepAsync<int>("fail", _ => throw new InvalidOperationException($"try {++bodies}")), id);
        await first.WaitAsync(Stop);

        var again = await app.Client.Workflow<string, int>("code").StartAsync(id.Value, new() { Id = id }, Stop);

        var e = await Assert.ThrowsAsync<RunFailedException>(() => again.ResultAsync(Stop));
        Assert.Equal((false, "try 1"), (again.IsNew, e.Error.Message));
        Assert.Equal(1, bodies);
    }

    [Fact]
    [Trait("Scenario", "I-05")]
    public async Task the_first_input_wins_and_the_second_caller_learns_that_it_differed()
    {
        await app.Client.Workflow<string, string>("echo").StartAsync("first", new() { Id = "differs" }, Stop);

        var second = await app.Client.Workflow<string, string>("echo").StartAsync("second", new() { Id = "differs" }, Stop);

        Assert.Equal((false, true), (second.IsNew, second.InputDiffers));
        Assert.Equal("first", await second.ResultAsync(Stop));
    }

    [Fact]
    public async Task without_an_id_every_start_is_a_run_of_its_own()
    {
        var one = await app.Client.Workflow<string, string>("echo").StartAsync("same", cancellationToken: Stop);
        var two = await app.Client.Workflow<string, string>("echo").StartAsync("same", cancellationToken: Stop);

        Assert.NotEqual(one.Id, two.Id);
        Assert.Equal((true, true), (one.IsNew, two.IsNew));
        Assert.Equal(7, Guid.Parse(one.Id.Value).Version);
    }

    [Fact]
    public async Task ids_are_compared_by_letter_and_case()
    {
        var lower = await app.Client.Workflow<string, string>("echo").StartAsync("lower", new() { Id = "cased" }, Stop);
        var upper = await app.Client.Workflow<string, string>("echo").StartAsync("upper", new() { Id = "CASED" }, Stop);

        Assert.True(upper.IsNew);
        Assert.Equal(("lower", "upper"), (await lower.ResultAsync(Stop), await upper.ResultAsync(Stop)));
    }
}
