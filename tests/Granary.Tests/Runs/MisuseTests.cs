using Granary.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>Bad input and verbs at the wrong place are refused, with a code, before anything is stored.</summary>
public sealed class MisuseTests(LiveApp app) : IClassFixture<LiveApp>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string?> BadNames => [null!, "", " ", "\t\n", "a\u0001b", "a\nb", "\u007f", "\ud83c", "a\udf3eb", "\ud83c\ud83c\udf3e"];

    [Theory]
    [MemberData(nameof(BadNames))]
    [Trait("Scenario", "B-01")]
    public async Task a_text_that_is_no_id_is_refused(string? text)
    {
        var before = RunCount();

        Assert.Equal("GRN1701", Assert.Throws<GranaryUsageException>(() => new RunId(text!)).Code);
        Assert.Equal("GRN1701", Assert.Throws<GranaryUsageException>(() => new RunOptions { Id = text! }).Code);
        Assert.Equal("GRN1703", Assert.Throws<GranaryUsageException>(() => app.Client.Workflow(text!)).Code);
        Assert.Equal("GRN1703", Assert.Throws<GranaryUsageException>(() => app.Client.Workflow<int, int>(text!)).Code);
        Assert.Equal(["GRN1703", "GRN1703"], await app.RunAsync(async ctx => (string[])
        [
            await Caught.CodeOfAsync(() => ctx.StepAsync(text!, _ => Task.FromResult(1))),
            await Caught.CodeOfAsync(() => ctx.BranchAsync(text!, () => Task.FromResult(1))),
        ]));
        Assert.Equal(before + 1, RunCount());
    }

    [Fact]
    [Trait("Scenario", "B-01")]
    public async Task lengths_are_counted_in_characters()
    {
        Assert.Throws<GranaryUsageException>(() => new RunId(new string('x', 257)));
        Assert.Throws<GranaryUsageException>(() => app.Client.Workflow(new string('x', 129)));

        var id = new RunId(string.Concat(Enumerable.Repeat("🌾", 128)));
        Assert.Equal("text", await app.Client.Workflow<string, string>("echo").RunAsync("text", new() { Id = id }, Stop));
        Assert.Equal(id, (await app.Client.Run(id).InfoAsync(Stop)).Id);
        Assert.Equal(["GRN1703", "fine"], await app.RunAsync(async ctx => (string[])
        [
            await Caught.CodeOfAsync(() => ctx.StepAsync(new string('x', 129), _ => Task.FromResult(1))),
            await ctx.StepAsync(new string('x', 128), _ => Task.FromResult("fine")),
        ]));
    }

    [Fact]
    [Trait("Scenario", "B-01")]
    public async Task an_id_that_was_never_set_is_refused()
    {
        Assert.Equal("GRN1701", Assert.Throws<GranaryUsageException>(() => app.Client.Run(default)).Code);
        var e = await Assert.ThrowsAsync<GranaryUsageException>(() => app.Client.Workflow<string, string>("echo").StartAsync("text", new() { Id = default(RunId) }, Stop));
        Assert.Equal("GRN1701", e.Code);
    }

    [Fact]
    [Trait("Scenario", "B-01")]
    public async Task options_that_mean_nothing_are_refused_before_the_body_runs()
    {
        StepOptions[] bad =
        [
            new() { Timeout = TimeSpan.Zero },
            new() { Timeout = TimeSpan.FromSeconds(-1) },
            new() { Timeout = Timeout.InfiniteTimeSpan },
            new() { Timeout = TimeSpan.MaxValue },
            new() { Retry = new(0) },
            new() { Retry = new(-1) },
            new() { Retry = new(3) { Delay = TimeSpan.FromTicks(-1) } },
            new() { Retry = new(3) { MaxDelay = TimeSpan.FromTicks(-1) } },
            new() { Retry = new(3) { BackoffFactor = double.NaN } },
            new() { Retry = new(3) { BackoffFactor = double.PositiveInfinity } },
            new() { Retry = new(3) { BackoffFactor = 0.5 } },
            new() { Retry = new(3) { TotalTimeout = TimeSpan.Zero } },
        ];
        var bodies = 0;

        var run = await app.StartAsync(async ctx =>
        {
            var codes = new List<string>();
            foreach (var options in bad)
                codes.Add(await Caught.CodeOfAsync(() => ctx.StepAsync("step", _ => Task.FromResult(++bodies), options)));
            codes.Add(await Caught.CodeOfAsync(() => ctx.SleepAsync(TimeSpan.FromTicks(-1))));
            codes.Add(await Caught.CodeOfAsync(() => ctx.SleepAsync(Timeout.InfiniteTimeSpan)));
            codes.Add(await Caught.CodeOfAsync(() => ctx.SleepAsync(TimeSpan.MaxValue)));
            codes.Add(await Caught.CodeOfAsync(() => ctx.ForEachAsync([1], n => Task.FromResult(n), maxConcurrency: 0)));
            return codes;
        });

        Assert.All(await run.ResultAsync(Stop), code => Assert.Equal("GRN1702", code));
        Assert.Equal(0, bodies);
        Assert.Empty(app.Steps(run.Id, "name"));
    }

    [Fact]
    [Trait("Scenario", "B-02")]
    public async Task a_context_is_refused_outside_of_its_runs_code()
    {
        WorkflowContext? kept = null;
        var gate = new Gate();
        var run = await app.StartAsync(async ctx =>
        {
            kept = ctx;
            await ctx.StepAsync("gate", gate.PassAsync);
            return 1;
        });
        await gate.Reached;
        Assert.All(await CodesAsync(kept!), code => Assert.Equal("GRN1204", code));
        Assert.All(await app.RunAsync(_ => CodesAsync(kept!)), code => Assert.Equal("GRN1204", code));
        gate.Open();
        await run.ResultAsync(Stop);
        Assert.All(await CodesAsync(kept!), code => Assert.Equal("GRN1204", code));

        Assert.Equal([["gate"]], app.Steps(run.Id, "name"));
        Assert.Null(WorkflowContext.Current);
        Assert.Null(StepContext.Current);
    }

    [Fact]
    [Trait("Scenario", "B-02")]
    public async Task a_context_is_refused_in_a_steps_body()
    {
        var run = await app.StartAsync(ctx => ctx.StepAsync("outer", _ => CodesAsync(ctx)));

        Assert.All(await run.ResultAsync(Stop), code => Assert.Equal("GRN1207", code));
        Assert.Equal([["a1", "outer", "succeeded"]], app.Steps(run.Id, "step_key, name, outcome"));

        var uncaught = await app.StartAsync(ctx => ctx.StepAsync("outer", _ => ctx.StepAsync("inner", _ => Task.FromResult(1)), new() { Retry = new(5) }));
        var e = await Assert.ThrowsAsync<RunFailedException>(() => uncaught.ResultAsync(Stop));
        Assert.Equal("GRN1207", e.Error.Code);
        Assert.Equal([["outer", 0L, "failed"]], app.Steps(uncaught.Id, "name, attempt, outcome"));
    }

    [Fact]
    [Trait("Scenario", "B-02")]
    public async Task the_client_is_refused_in_workflow_code_and_allowed_in_a_steps_body()
    {
        var before = RunCount();
        var codes = await app.RunAsync(async ctx =>
        {
            var client = ctx.Services.GetRequiredService<IGranaryClient>();
            var run = client.Run<string>("other");
            return (string[])
            [
                await Caught.CodeOfAsync(() => client.Workflow<string, string>("echo").StartAsync("text")),
                await Caught.CodeOfAsync(() => run.ResultAsync()),
                await Caught.CodeOfAsync(() => run.WaitAsync()),
                await Caught.CodeOfAsync(() => run.InfoAsync()),
                await Caught.CodeOfAsync(async () => await run.StepsAsync().FirstAsync()),
                await Caught.CodeOfAsync(async () => await run.WatchAsync().FirstAsync()),
            ];
        });
        Assert.All(codes, code => Assert.Equal("GRN1205", code));
        Assert.Equal(before + 1, RunCount());

        var echoed = await app.RunAsync(ctx => ctx.StepAsync("ask another run", step =>
            step.Services.GetRequiredService<IGranaryClient>().Workflow<string, string>("echo").RunAsync("hello", new() { Id = step.IdempotencyKey }, step.CancellationToken)));
        Assert.Equal("hello", echoed);
    }

    [Fact]
    public async Task a_missing_body_is_an_argument_error()
    {
        var run = await app.StartAsync(async ctx =>
        {
            await Caught.OfAsync<ArgumentNullException>(() => ctx.StepAsync("step", (Func<StepContext, Task<int>>)null!));
            await Caught.OfAsync<ArgumentNullException>(() => ctx.BranchAsync("branch", (Func<Task<int>>)null!));
            return 1;
        });

        Assert.Equal(1, await run.ResultAsync(Stop));
    }

    private static async Task<string[]> CodesAsync(WorkflowContext ctx) =>
    [
        await Caught.CodeOfAsync(() => ctx.StepAsync("step", _ => Task.FromResult(1))),
        await Caught.CodeOfAsync(() => ctx.SleepAsync(TimeSpan.Zero)),
        await Caught.CodeOfAsync(() => ctx.SleepUntilAsync(DateTimeOffset.UnixEpoch)),
        await Caught.CodeOfAsync(() => ctx.BranchAsync("branch", () => Task.FromResult(1))),
        await Caught.CodeOfAsync(() => ctx.WhenAnyAsync(Task.FromResult(1))),
        await Caught.CodeOfAsync(() => ctx.ForEachAsync([1], n => Task.FromResult(n))),
        await Caught.CodeOfAsync(() => Task.FromResult(ctx.NewGuid())),
        await Caught.CodeOfAsync(() => Task.FromResult(ctx.Random.Next())),
    ];

    private long RunCount() => (long)app.Query("select count(*) from granary_runs")[0][0]!;
}
