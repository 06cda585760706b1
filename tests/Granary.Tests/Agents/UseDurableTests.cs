using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static Granary.Tests.Agents.ScriptedModel;

namespace Granary.Tests.Agents;

public sealed class UseDurableTests
{
    [Fact]
    public async Task outside_of_a_run_it_is_an_ordinary_function_invoking_client()
    {
        var model = new ScriptedModel(Call(Function("a")), Say("done"));

        var answer = await Durable.Client(model).GetResponseAsync("Go", Durable.With(Durable.Tool("a", () => "x")), TestContext.Current.CancellationToken);

        Assert.Equal("done", answer.Messages[^1].Text);
        Assert.Equal(["x"], Results(model.Requests[1]));
    }

    [Fact]
    public async Task inside_a_step_body_it_is_an_ordinary_client_and_makes_no_step_of_its_own()
    {
        var journal = new FakeJournal();
        var model = new ScriptedModel(Call(Function("a")), Say("done"));

        await new FakeRunEngine(journal).RunAsync(ctx => ctx.StepAsync("ask", async _ =>
            (await Durable.Client(model).GetResponseAsync("Go", Durable.With(Durable.Tool("a", () => "x")))).Text));

        Assert.Equal(["a1"], journal.Steps.Select(s => s.Key));
    }

    [Fact]
    public void a_function_invoking_client_below_is_refused_when_the_client_is_built()
    {
        var refused = Assert.Throws<GranaryUsageException>(() => new ChatClientBuilder(new ScriptedModel()).UseDurable().UseFunctionInvocation().Build());

        Assert.Equal("GRN2002", refused.Code);
    }

    [Fact]
    public async Task a_function_invoking_client_above_finds_nothing_left_to_do()
    {
        var journal = new FakeJournal();
        var ran = 0;
        var model = new ScriptedModel(Call(Function("a")), Say("done"));
        var client = new ChatClientBuilder(model).UseFunctionInvocation().UseDurable().Build();

        await new FakeRunEngine(journal).RunAsync(_ => client.GetResponseAsync("Go", Durable.With(Durable.Tool("a", () => ++ran))));

        Assert.Equal((1, 3, 2), (ran, journal.Steps.Count, model.Requests.Count));
    }

    [Fact]
    public void libraries_that_look_for_a_tool_loop_find_one()
    {
        Assert.NotNull(Durable.Client(new ScriptedModel()).GetService<FunctionInvokingChatClient>());
    }

    [Fact]
    public async Task a_client_of_the_container_is_made_durable_by_the_one_line()
    {
        var journal = new FakeJournal();
        var services = new ServiceCollection();
        services.AddChatClient(new ScriptedModel(Say("hello"))).UseDurable(o => o.Name = "greeter");
        await using var provider = services.BuildServiceProvider();

        await new FakeRunEngine(journal, provider).RunAsync(ctx => ctx.Services.GetRequiredService<IChatClient>().GetResponseAsync("Hi"));

        Assert.Equal("a1 llm greeter", $"{journal.Steps[0].Key} {journal.Steps[0].Kind} {journal.Steps[0].Name}");
    }

    [Fact]
    public async Task a_streamed_call_is_streamed_from_the_model_and_recorded_as_one_outcome()
    {
        var journal = new FakeJournal();
        var model = new ScriptedModel(Call(Function("a")), Say("done"));
        async Task<ChatResponse> Ask(FakeRunEngine engine) => await engine.RunAsync(_ => Durable.Client(model)
            .GetStreamingResponseAsync("Go", Durable.With(Durable.Tool("a", () => "x"))).ToChatResponseAsync());

        var live = await Ask(new(journal));
        var replaying = new FakeRunEngine(journal);
        var replayed = await Ask(replaying);

        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], live.Messages.Select(m => m.Role));
        Assert.Equal("done", live.Messages[^1].Text);
        Assert.Equal(["a1", "a1/a1", "a2"], journal.Steps.Select(s => s.Key));
        Assert.Equal(Durable.Json(live), Durable.Json(replayed));
        Assert.Equal((2, 0, 0), (model.Streams, replaying.Bodies, replaying.Escapes));
    }

    [Fact]
    public async Task streamed_and_not_streamed_calls_have_the_same_records()
    {
        ScriptedModel Model() => new(Call(Function("a")), Say("done"));
        var options = Durable.With(Durable.Tool("a", () => "x"));
        var plain = new FakeJournal();
        var streamed = new FakeJournal();

        await new FakeRunEngine(plain).RunAsync(_ => Durable.Client(Model()).GetResponseAsync("Go", options));
        await new FakeRunEngine(streamed).RunAsync(_ => Durable.Client(Model()).GetStreamingResponseAsync("Go", options).ToChatResponseAsync());

        Assert.Equal(plain.Layout, streamed.Layout);
    }

    [Fact]
    public async Task a_name_that_the_compiler_made_is_refused_before_anything_is_stored()
    {
        static string Local() => "x";
        var journal = new FakeJournal();
        foreach (var tool in (AIFunction[])[AIFunctionFactory.Create(Local), AIFunctionFactory.Create(() => "x"), Durable.Tool("_Main_g_GetWeather_0_1", () => "x")])
        {
            var refused = await Assert.ThrowsAsync<GranaryUsageException>(() => new FakeRunEngine(journal).RunAsync(_ =>
                Durable.Client(new ScriptedModel()).GetResponseAsync("Go", Durable.With(tool))));
            Assert.Equal("GRN2003", refused.Code);
        }

        Assert.Empty(journal.Steps);
    }

    [Fact]
    public async Task a_name_that_someone_wrote_is_taken_whatever_it_stands_for()
    {
        static string Local() => "x";
        var model = new ScriptedModel(Say("done"));

        var answer = await new FakeRunEngine().RunAsync(_ => Durable.Client(model).GetResponseAsync(
            "Go", Durable.With(AIFunctionFactory.Create(Local, "get_g_force"), AIFunctionFactory.Create(() => "x", "top_10"))));

        Assert.Equal("done", answer.Text);
    }

    [Fact]
    public async Task two_tools_of_one_name_are_refused()
    {
        var refused = await Assert.ThrowsAsync<GranaryUsageException>(() => new FakeRunEngine().RunAsync(_ =>
            Durable.Client(new ScriptedModel()).GetResponseAsync("Go", Durable.With(Durable.Tool("a", () => "x"), Durable.Tool("a", () => "y")))));

        Assert.Equal("GRN2004", refused.Code);
    }

    [Fact]
    public async Task what_differs_between_processes_that_ask_the_same_is_no_divergence()
    {
        var journal = new FakeJournal();
        async Task<FakeRunEngine> Ask(string id, float temperature)
        {
            var engine = new FakeRunEngine(journal);
            var question = new ChatMessage(ChatRole.User, "Go") { MessageId = id, CreatedAt = DateTimeOffset.UtcNow, RawRepresentation = new object() };
            await engine.RunAsync(_ => Durable.Client(new ScriptedModel(Say("done"))).GetResponseAsync([question], new() { Temperature = temperature }));
            return engine;
        }

        await Ask("1", 0.5f);

        Assert.Empty((await Ask("2", 0.5f)).Diverged);
        Assert.Single((await Ask("3", 0.7f)).Diverged);
    }
}
