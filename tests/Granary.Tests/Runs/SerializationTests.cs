using System.Numerics;
using System.Text.Json;
using Granary.Engine;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class SerializationTests(LiveApp app) : IClassFixture<LiveApp>
{
    private static readonly string _long = string.Concat(Enumerable.Repeat("grain 🌾 ", 100_000));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Scenario", "Z-01")]
    public async Task every_plain_type_comes_back_equal_from_input_outcome_and_result()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        void App(IGranaryBuilder g) => g.AddWorkflow<Everything, Everything[]>("echo", async (ctx, input) =>
        {
            var outcome = await ctx.StepAsync("echo", _ => Task.FromResult(input));
            await ctx.StepAsync("gate", gate.PassAsync);
            return [input, outcome];
        });
        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Workflow<Everything, Everything[]>("echo").StartAsync(Everything.Sample(), new() { Id = "run" }, Stop);
            await gate.Reached;
        }

        gate.Open();
        await using (var app = await data.StartAsync(App))
        {
            var values = await app.Client.Run<Everything[]>("run").ResultAsync(Stop);
            Assert.Equal(2, values.Length);
            Assert.All(values, value => value.AssertIsSample());
        }
    }

    [Fact]
    [Trait("Scenario", "Z-01")]
    public async Task texts_of_a_megabyte_and_more_come_back_equal()
    {
        var result = await app.Client.Workflow<string, string>("echo").RunAsync(_long, new() { Id = "long" }, Stop);

        Assert.Equal(_long, result);
        Assert.Equal([["json+br", "json+br"]], app.Query("select input_codec, output_codec from granary_runs where id = 'long'"));
        var info = await app.Client.Run("long").InfoAsync(Stop);
        Assert.Equal(_long, info.Input?.GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("line\r\nline\ttab \u0000\u001f")]
    [InlineData("'quotes' \"double\" <tag> & {json} -- ; drop table")]
    [InlineData("日本語 العربية עברית 👩‍👩‍👧‍👦 e\u0301")]
    public async Task text_comes_back_as_it_was(string text)
    {
        var id = new RunId(Guid.NewGuid().ToString());
        Assert.Equal(text, await app.Client.Workflow<string, string>("echo").RunAsync(text, new() { Id = id }, Stop));
        Assert.Equal(text, JsonSerializer.Deserialize<string>((string)app.Query($"select input from granary_runs_v where id = '{id}'")[0][0]!));
    }

    [Fact]
    [Trait("Scenario", "Z-02")]
    public async Task an_outcome_that_is_no_data_is_a_clear_failure_of_its_step()
    {
        var cycle = new Cycle();
        cycle.Self = cycle;

        var errors = await app.RunAsync(async ctx => (string[])
        [
            await RefusedAsync(ctx, "cycle", cycle),
            await RefusedAsync(ctx, "not a number", double.NaN),
            await RefusedAsync(ctx, "delegate", () => 5),
            await RefusedAsync(ctx, "getter", new Broken()),
            await RefusedAsync(ctx, "one way", new OneWay("text")),
        ]);

        Assert.Equal(["GRN1602 GRN1301", "GRN1602 GRN1301", "GRN1602 GRN1301", "GRN1602 GRN1301", "GRN1603 GRN1301"], errors);

        static async Task<string> RefusedAsync<T>(WorkflowContext ctx, string name, T value)
        {
            var e = await Caught.OfAsync<StepFailedException>(() => ctx.StepAsync(name, _ => Task.FromResult(value), new() { Retry = new(3) }));
            Assert.Single(e.Attempts);
            Assert.Contains($"step '{name}'", e.Error.Message);
            return $"{e.Error.Code} {e.Code}";
        }
    }

    [Fact]
    [Trait("Scenario", "Z-02")]
    public async Task a_result_that_is_no_data_fails_the_run()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<int, double>("nan", (_, _) => Task.FromResult(double.NaN)));

        var e = await Assert.ThrowsAsync<RunFailedException>(() => app.Client.Workflow<int, double>("nan").RunAsync(0, new() { Id = "run" }, Stop));

        Assert.Equal("GRN1602", e.Error.Code);
        Assert.Contains("result of run 'run'", e.Error.Message);
    }

    [Fact]
    [Trait("Scenario", "Z-03")]
    public async Task an_exception_that_cannot_be_read_is_recorded_by_its_type()
    {
        var run = await app.StartAsync(async ctx =>
        {
            var e = await Caught.OfAsync<StepFailedException>(() => ctx.StepAsync<int>("step", _ => throw new UnreadableException()));
            return e.Error.Type == typeof(UnreadableException).FullName && e.Error.Message.Contains("NotSupportedException", StringComparison.Ordinal)
                ? throw new UnreadableException()
                : "not as expected";
        });

        var e = await Assert.ThrowsAsync<RunFailedException>(() => run.ResultAsync(Stop));
        Assert.Equal(typeof(UnreadableException).FullName, e.Error.Type);
    }

    [Fact]
    [Trait("Scenario", "Z-03")]
    public async Task messages_that_are_no_text_or_very_long_are_recorded_all_the_same()
    {
        var messages = await app.RunAsync(async ctx => (string[])
        [
            await MessageOfAsync(ctx, "half a pair \ud83c!"),
            await MessageOfAsync(ctx, new string('x', (16 * 1024) - 1) + "🌾" + new string('y', 1_000_000)),
            await MessageOfAsync(ctx, "\ud83c\ud83c\ud83c"),
        ]);

        Assert.Equal("half a pair \ufffd!", messages[0]);
        Assert.StartsWith("xxx", messages[1]);
        Assert.EndsWith("…", messages[1]);
        Assert.InRange(messages[1].Length, 16_000, 16 * 1024 + 1);
        Assert.Equal("\ufffd\ufffd\ufffd", messages[2]);

        static async Task<string> MessageOfAsync(WorkflowContext ctx, string message) =>
            (await Caught.OfAsync<StepFailedException>(() => ctx.StepAsync<int>("step", _ => throw new InvalidOperationException(message)))).Error.Message;
    }

    [Fact]
    public async Task details_that_are_no_data_do_not_hide_the_failure()
    {
        var run = await app.StartAsync(ctx => ctx.StepAsync<int>("step", _ => throw new TerminalException("no") { Code = "mine", Details = new Broken() }));

        var e = await Assert.ThrowsAsync<RunFailedException>(() => run.ResultAsync(Stop));
        Assert.Equal(("no", "mine"), (e.Error.Message, e.Error.Code));
        Assert.Contains("can't be written", e.Error.Details?.GetString());
    }

    [Fact]
    public async Task the_applications_own_converters_are_used_everywhere()
    {
        await using var app = await TestApp.StartAsync(g =>
        {
            g.Configure(o => o.Json.NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals);
            g.AddWorkflow<double, double>("nan", (ctx, input) => ctx.StepAsync("step", _ => Task.FromResult(input)));
        });

        Assert.Equal(double.NaN, await app.Client.Workflow<double, double>("nan").RunAsync(double.NaN, cancellationToken: Stop));
    }

    private sealed class Cycle
    {
        public Cycle? Self { get; set; }
    }

    private sealed class Broken
    {
        public string Text => throw new NotSupportedException("no text");
    }

    /// <summary>Can be written but not read: its constructor's parameter is no property.</summary>
    private sealed class OneWay(string other)
    {
        public string Text { get; } = other;
    }

    private sealed class UnreadableException : Exception
    {
        public override string Message => throw new NotSupportedException("no message");

        public override string ToString() => throw new NotSupportedException("no text");
    }
}
