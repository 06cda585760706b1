using System.ComponentModel;
using Granary.Agents;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static Granary.Tests.Agents.ScriptedModel;

namespace Granary.Tests.Agents;

public sealed class AgentRegistrationTests
{
    private readonly ServiceCollection _services = [];

    [Fact]
    public void the_model_sees_only_the_parameters_that_it_fills_in()
    {
        var agent = (AgentDefinition)Granary().AddAgent("a").AddTools<WeatherTools>()
            .AddTool("late", (string what, StepContext step, IServiceProvider services, CancellationToken cancellationToken) => what);

        Assert.Equal(["GetWeather", "late"], agent.Tools.Select(t => t.Name));
        Assert.Equal([["city"], ["what"]], agent.Tools.Select(t => t.JsonSchema.GetProperty("properties").EnumerateObject().Select(p => p.Name).ToArray()));
        Assert.Equal("Current weather in a city.", agent.Tools[0].Description);
    }

    [Fact]
    public async Task a_tool_class_is_made_for_each_call_from_the_services_of_the_attempt_and_disposed()
    {
        var log = new List<string>();
        _services.AddLogging().AddSingleton(log).AddScoped<Scoped>().AddSingleton<IChatClient>(
            new ScriptedModel(Call(Function("Look"), Function("Look")), Say("done")));
        Granary().AddAgent("a").AddTools<CountingTools>();
        await using var app = _services.BuildServiceProvider();

        await new FakeRunEngine(services: app).RunAsync(ctx => ctx.Agent("a").AskAsync("Go"));

        Assert.Equal(2, log.Where(l => l.StartsWith("scope", StringComparison.Ordinal)).Distinct().Count());
        Assert.Equal(2, log.Count(l => l == "disposed"));
    }

    [Fact]
    public void options_where_tools_are_added_win_over_the_attribute()
    {
        var agent = (AgentDefinition)Granary().AddAgent("a").AddTools<CountingTools>(tools => tools
            .ConfigureAll(t => t.Timeout = TimeSpan.FromSeconds(5)).Configure(nameof(CountingTools.Look), t => t.Retry = new(7)));

        Assert.Equal((7, TimeSpan.FromSeconds(5)), (agent.Tools[0].Options.Retry!.MaxAttempts, agent.Tools[0].Options.Timeout));
    }

    [Fact]
    public void what_is_wrong_with_an_agent_is_refused_where_it_is_added()
    {
        var granary = Granary();
        var agent = granary.AddAgent("a").AddTool("one", () => "x");

        Assert.Equal("GRN2006", Code(() => granary.AddAgent("a")));
        Assert.Equal("GRN2004", Code(() => agent.AddTool("one", () => "y")));
        Assert.Equal("GRN2003", Code(() => agent.AddTool(AIFunctionFactory.Create(() => "x"))));
        Assert.Equal("GRN2007", Code(() => agent.AddTools<Scoped>()));
        Assert.Equal("GRN2007", Code(() => agent.AddTools<WeatherTools>(t => t.Only("nothing"))));
        Assert.Equal("GRN1703", Code(() => granary.AddAgent(" ")));
        Assert.Equal("GRN1703", Code(() => granary.AddAgent(new string('a', 123))));
    }

    [Fact]
    public async Task what_is_wrong_with_a_question_is_refused_before_anything_is_stored()
    {
        _services.AddLogging().AddSingleton<IChatClient>(new ScriptedModel());
        Granary().AddAgent("weather");
        await using var app = _services.BuildServiceProvider();
        var client = new FakeClient(app);
        var journal = new FakeJournal();

        var unknown = await Assert.ThrowsAsync<GranaryUsageException>(() => client.Agent("wether").AskAsync("Go", cancellationToken: Stop));
        Assert.Equal("GRN2001", unknown.Code);
        Assert.Contains("weather", unknown.Message, StringComparison.Ordinal);
        await new FakeRunEngine(journal, app).RunAsync(async ctx =>
        {
            Assert.Equal("GRN2001", (await Assert.ThrowsAsync<GranaryUsageException>(() => ctx.Agent("wether").AskAsync("Go", cancellationToken: Stop))).Code);
            Assert.Equal("GRN2005", (await Assert.ThrowsAsync<GranaryUsageException>(async () => await ctx.Agent("weather").AskAsync(" ", cancellationToken: Stop))).Code);
            Assert.Equal("GRN2005", (await Assert.ThrowsAsync<GranaryUsageException>(() => ctx.Agent("weather").AskAsync([], cancellationToken: Stop))).Code);
            return None.Value;
        });
        var tools = new AskOptions { Chat = Durable.With(Durable.Tool("a", () => "x")) };
        Assert.Equal("GRN2008", (await Assert.ThrowsAsync<GranaryUsageException>(() => client.Agent("weather").AskAsync("Go", tools, Stop))).Code);
        Assert.Empty(journal.Steps);
        Assert.Empty(client.Started);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static string Code(Action action) => Assert.Throws<GranaryUsageException>(action).Code;

    private AgentTests.Builder Granary() => new(_services);

    public sealed class Scoped;

    public sealed class CountingTools(Scoped scoped, List<string> log) : IDisposable
    {
        [Tool(MaxAttempts = 2, TimeoutSeconds = 1)]
        public string Look()
        {
            lock (log)
                log.Add($"scope {scoped.GetHashCode()}");
            return "seen";
        }

        public void Dispose()
        {
            lock (log)
                log.Add("disposed");
        }
    }
}

public sealed class WeatherTools
{
    [Description("Current weather in a city.")]
    public string GetWeather([Description("City name")] string city, StepContext step) => $"{city}: 21 °C under {step.IdempotencyKey}";

    public string NoTool() => "not marked";
}
