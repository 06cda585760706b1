using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static Granary.Tests.Agents.ScriptedModel;

namespace Granary.Tests.Agents;

public sealed class AgentTests
{
    [Fact]
    public async Task an_agent_answers_inside_a_run_with_its_instructions_and_tools()
    {
        var journal = new FakeJournal();
        var model = new ScriptedModel(Call(Function("GetWeather", new { city = "Rome" })), Say("sunny in Rome"));
        await using var app = App(model, granary => granary.AddAgent("weather", "Be brief.").AddTools<WeatherTools>());

        var reply = await new FakeRunEngine(journal, app).RunAsync(ctx => ctx.Agent("weather").AskAsync("Weather in Rome?"));

        Assert.Equal(("weather", "sunny in Rome", 2), (reply.Agent, reply.Text, reply.Usage.ModelCalls));
        Assert.Equal([ChatRole.System, ChatRole.User], model.Requests[0].Messages.Select(m => m.Role));
        Assert.Equal(["Rome: 21 °C under fake/a1/a1/a1"], Results(model.Requests[1]));
        Assert.Equal(["a1/a1 llm weather", "a1/a1/a1 tool GetWeather", "a1/a2 llm weather"], journal.Steps.Select(s => $"{s.Key} {s.Kind} {s.Name}"));
    }

    [Fact]
    public async Task agents_asked_at_the_same_time_keep_their_steps_apart_whatever_finishes_first()
    {
        var layouts = new HashSet<string>();
        int[][] orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0]];
        foreach (var order in orders)
        {
            var journal = new FakeJournal();
            var gates = Enumerable.Range(0, 3).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
            var started = new SemaphoreSlim(0);
            var model = new ScriptedModel((_, request) => Results(request).Count == 0
                ? Call(Function("wait", new { gate = int.Parse(request.Messages[^1].Text) }))
                : Say(request.Messages[0].Text));
            await using var app = App(model, granary => granary.AddAgent("a").AddTool("wait", async (int gate) =>
            {
                started.Release();
                await gates[gate].Task;
                return gate;
            }));

            var replies = new FakeRunEngine(journal, app).RunAsync(ctx => Task.WhenAll(Enumerable.Range(0, 3).Select(i => ctx.Agent("a").AskAsync($"{i}"))));
            for (var i = 0; i < 3; i++)
                await started.WaitAsync(TestContext.Current.CancellationToken);
            foreach (var i in order)
                gates[i].SetResult();

            Assert.Equal(["0", "1", "2"], (await replies).Select(r => r.Text));
            layouts.Add(journal.Layout);
        }

        Assert.Single(layouts);
    }

    [Fact]
    public async Task a_client_asks_through_a_run_and_the_same_key_gives_the_same_answer()
    {
        var model = new ScriptedModel(Call(Function("GetWeather", new { city = "Rome" })), Say("sunny"));
        await using var app = App(model, granary => granary.AddAgent("weather").AddTools<WeatherTools>());
        var client = new FakeClient(app);

        var first = await client.Agent("weather").AskAsync("Weather in Rome?", new() { IdempotencyKey = "q-1" }, TestContext.Current.CancellationToken);
        var second = await client.Agent("weather").AskAsync("Weather in Rome?", new() { IdempotencyKey = "q-1" }, TestContext.Current.CancellationToken);

        Assert.Equal(("sunny", "sunny"), (first.Text, second.Text));
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], first.Messages.Select(m => m.Role));
        Assert.IsType<FunctionCallContent>(first.Messages[0].Contents.Single());
        Assert.Equal(["agent:weather"], client.Started);
        Assert.Equal(["a1", "a1/a1", "a2"], client.Journal.Steps.Select(s => s.Key));
        Assert.Equal(2, model.Requests.Count);
    }

    [Fact]
    public async Task an_answer_can_be_a_value()
    {
        var model = new ScriptedModel(Say("{\"city\":\"Rome\",\"degrees\":21}"), Say("{\"data\":[1,2]}"), Say("warm"));
        await using var app = App(model, granary => granary.AddAgent("a"));
        var engine = new FakeRunEngine(services: app);

        var (forecast, numbers, refused) = await engine.RunAsync(async ctx => (
            (await ctx.Agent("a").AskAsync<Forecast>("Rome?")).Value,
            (await ctx.Agent("a").AskAsync<int[]>("Numbers?")).Value,
            await Assert.ThrowsAsync<GranaryException>(() => ctx.Agent("a").AskAsync<Forecast>("Rome?", cancellationToken: TestContext.Current.CancellationToken))));

        Assert.Equal(new("Rome", 21), forecast);
        Assert.Equal([1, 2], numbers);
        Assert.Equal("GRN2009", refused.Code);
        Assert.All(model.Requests, r => Assert.IsType<ChatResponseFormatJson>(r.Options!.ResponseFormat));
    }

    [Fact]
    public async Task a_question_overrides_the_agents_options_one_by_one()
    {
        var model = new ScriptedModel(Say("done"));
        await using var app = App(model, granary => granary.AddAgent("a", o => o.Chat = new() { Temperature = 0.1f, MaxOutputTokens = 10 }));

        await new FakeRunEngine(services: app).RunAsync(ctx => ctx.Agent("a").AskAsync("Go", new() { Chat = new() { MaxOutputTokens = 20 } }));

        Assert.Equal((0.1f, 20), (model.Requests[0].Options!.Temperature, model.Requests[0].Options!.MaxOutputTokens));
    }

    [Fact]
    public async Task a_model_is_found_by_key_by_factory_and_by_the_question()
    {
        ScriptedModel Model(string name) => new((_, _) => Say(name));
        await using var app = App(Model("default"), granary =>
        {
            granary.Services.AddKeyedSingleton<IChatClient>("fast", Model("fast"));
            granary.AddAgent("plain");
            granary.AddAgent("keyed").UseModel("fast");
            granary.AddAgent("made").UseModel(_ => Model("made"));
            granary.AddAgent("lost").UseModel("nowhere");
        });

        async Task<string> Ask(string agent, AskOptions? options = null) =>
            (await new FakeRunEngine(services: app).RunAsync(ctx => ctx.Agent(agent).AskAsync("Who?", options))).Text;

        Assert.Equal(
            ["default", "fast", "made", "fast"],
            [await Ask("plain"), await Ask("keyed"), await Ask("made"), await Ask("plain", new() { Model = "fast" })]);
        Assert.Equal("GRN2010", (await Assert.ThrowsAsync<GranaryUsageException>(() => Ask("lost"))).Code);
    }

    [Fact]
    public async Task retries_set_on_the_client_hold_unless_the_agent_sets_its_own()
    {
        var model = new ScriptedModel((_, _) => throw new TimeoutException());
        await using var app = App(Durable.Client(model, o => o.Retry = new(2)), granary =>
        {
            granary.AddAgent("silent");
            granary.AddAgent("own", o => o.ModelRetry = new(3));
        });

        foreach (var (agent, calls) in ((string, int)[])[("silent", 2), ("own", 5)])
        {
            await Assert.ThrowsAsync<StepFailedException>(() => new FakeRunEngine(services: app).RunAsync(ctx => ctx.Agent(agent).AskAsync("Go")));
            Assert.Equal(calls, model.Requests.Count);
        }
    }

    [Fact, Trait("Scenario", "A-05")]
    public async Task a_failed_tool_fails_the_run_where_the_agent_says_so_after_the_others_have_ended()
    {
        var journal = new FakeJournal();
        var model = new ScriptedModel(Call(Function("bad"), Function("good")), Say("never"));
        await using var app = App(model, granary => granary.AddAgent("strict", o => o.OnToolFailure = ToolFailure.FailRun)
            .AddTool("bad", string () => throw new InvalidOperationException("broken")).AddTool("good", () => "fine"));

        var failure = await Assert.ThrowsAsync<StepFailedException>(() => new FakeRunEngine(journal, app).RunAsync(ctx => ctx.Agent("strict").AskAsync("Go")));

        Assert.Equal(("broken", 3, 1), (failure.Error.Message, journal.Steps.Count, model.Requests.Count));
    }

    private static ServiceProvider App(IChatClient model, Action<IGranaryBuilder> configure)
    {
        var services = new ServiceCollection().AddLogging().AddSingleton(model);
        configure(new Builder(services));
        return services.BuildServiceProvider();
    }

    internal sealed record Builder(IServiceCollection Services) : IGranaryBuilder;

    private sealed record Forecast(string City, int Degrees);
}
