using Granary.Engine;
using Microsoft.Extensions.AI;
using Xunit;
using static Granary.Tests.Agents.ScriptedModel;

namespace Granary.Tests.Agents;

public sealed class DurableLoopTests
{
    [Fact, Trait("Scenario", "A-01")]
    public async Task a_replay_gives_the_same_answer_without_calling_model_or_tool()
    {
        var journal = new FakeJournal();
        var ran = 0;
        var model = new ScriptedModel(Call(Function("weather", new { city = "Rome" })), Say("sunny"));
        Task<ChatResponse> Ask(FakeRunEngine engine) => engine.RunAsync(_ => Durable.Client(model)
            .GetResponseAsync("Weather?", Durable.With(Durable.Tool("weather", (string city) => $"{city} {++ran}"))));

        var live = await Ask(new(journal));
        var replaying = new FakeRunEngine(journal);
        var replayed = await Ask(replaying);

        Assert.Equal("sunny", live.Text);
        Assert.Equal(["a1 llm", "a1/a1 tool", "a2 llm"], journal.Steps.Select(s => $"{s.Key} {s.Kind}"));
        Assert.Equal(Durable.Json(live), Durable.Json(replayed));
        Assert.Equal((2, 1, 0, 0), (model.Requests.Count, ran, replaying.Bodies, replaying.Diverged.Count));
    }

    [Fact, Trait("Scenario", "A-01")]
    public async Task a_run_cut_off_between_two_tools_runs_only_the_missing_one()
    {
        var journal = new FakeJournal();
        var ran = new List<string>();
        var model = new ScriptedModel((_, request) => Results(request).Count == 0
            ? Call(Function("weather", new { city = "Rome" }), Function("weather", new { city = "Oslo" }))
            : Say(string.Join(", ", Results(request))));
        var tool = Durable.Tool("weather", (string city) => { lock (ran) ran.Add(city); return $"{city} ok"; });
        Task<ChatResponse> Ask() => new FakeRunEngine(journal).RunAsync(_ => Durable.Client(model).GetResponseAsync("Weather?", Durable.With(tool)));
        await Ask();
        ran.Clear();
        journal.Remove("a1/a2");
        journal.Remove("a2");

        var answer = await Ask();

        Assert.Equal("Rome ok, Oslo ok", answer.Messages[^1].Text);
        Assert.Equal(["Oslo"], ran);
        Assert.Equal(3, model.Requests.Count);
    }

    [Fact, Trait("Scenario", "A-03")]
    public async Task a_hundred_calls_run_at_once_and_are_joined_in_the_order_of_the_reply()
    {
        const int Count = 100;
        var everyoneStarted = new TaskCompletionSource();
        var started = 0;
        var model = new ScriptedModel(
            (_, request) => Results(request).Count == 0 ? Call([.. Enumerable.Range(0, Count).Select(i => Function("square", new { i }))]) : Say("done"));
        var engine = new FakeRunEngine();

        var answer = await engine.RunAsync(_ => Durable.Client(model).GetResponseAsync("Squares?", Durable.With(Durable.Tool("square", async (int i) =>
        {
            if (Interlocked.Increment(ref started) == Count)
                everyoneStarted.SetResult();
            await everyoneStarted.Task;
            return i * i;
        }))));

        Assert.Equal("done", answer.Text);
        Assert.Equal(Enumerable.Range(0, Count).Select(i => (i * i).ToString()), Results(model.Requests[1]));
        Assert.Equal(0, engine.Escapes);
    }

    [Fact, Trait("Scenario", "A-03")]
    public async Task whatever_finishes_first_the_keys_and_outcomes_are_the_same()
    {
        var layouts = new HashSet<string>();
        var orders = new HashSet<string>();
        for (var seed = 0; seed < 40; seed++)
        {
            var journal = new FakeJournal();
            var gates = Enumerable.Range(0, 4).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
            var finished = new List<int>();
            var started = new SemaphoreSlim(0);
            var model = new ScriptedModel((_, request) => Results(request).Count switch
            {
                0 => Call([.. Enumerable.Range(0, 4).Select(i => Function("work", new { i }))]),
                4 => Call(Function("work", new { i = 0 })),
                _ => Say("done"),
            });
            var tool = Durable.Tool("work", async (int i) =>
            {
                started.Release();
                await gates[i].Task;
                lock (finished)
                    finished.Add(i);
                return i;
            });
            var engine = new FakeRunEngine(journal);
            var answer = engine.RunAsync(_ => Durable.Client(model).GetResponseAsync("Work!", Durable.With(tool)));
            for (var i = 0; i < 4; i++)
                await started.WaitAsync(TestContext.Current.CancellationToken);
            int[] order = [0, 1, 2, 3];
            new Random(seed).Shuffle(order);
            foreach (var i in order)
                gates[i].SetResult();
            await answer;
            layouts.Add(journal.Layout);
            orders.Add(string.Join(',', finished));
            Assert.Equal(0, engine.Escapes);
        }

        Assert.Single(layouts);
        Assert.True(orders.Count > 1, "the tools always finished in the same order, so nothing was shown");
    }

    [Fact]
    public async Task a_client_called_from_code_that_left_the_scheduler_comes_back_to_it()
    {
        var model = new ScriptedModel(Call(Function("a"), Function("b")), Call(Function("a")), Say("done"));
        var engine = new FakeRunEngine();

        await engine.RunAsync(async _ =>
        {
            await Task.Yield();
            return await Away(Durable.Client(model));
        });

        // Only the first key is taken where the call comes from.
        Assert.InRange(engine.Escapes, 0, 1);
        Assert.Equal(3, model.Requests.Count);

        static async Task<ChatResponse> Away(IChatClient client)
        {
            await Task.Run(() => { }).ConfigureAwait(false);
            return await client.GetResponseAsync("Go", Durable.With(Durable.Tool("a", () => "a"), Durable.Tool("b", () => "b"))).ConfigureAwait(false);
        }
    }

    [Fact]
    public async Task the_usage_of_all_rounds_is_summed_and_all_messages_are_in_the_answer()
    {
        static ChatResponse Costs(ChatResponse reply, long input)
        {
            reply.Usage = new() { InputTokenCount = input, OutputTokenCount = 1, TotalTokenCount = input + 1 };
            return reply;
        }

        var model = new ScriptedModel(Costs(Call(Function("a")), 10), Costs(Say("done"), 20));

        var answer = await new FakeRunEngine().RunAsync(_ => Durable.Client(model).GetResponseAsync("Go", Durable.With(Durable.Tool("a", () => "x"))));

        Assert.Equal((30L, 2L, 32L), (answer.Usage!.InputTokenCount, answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount));
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], answer.Messages.Select(m => m.Role));
    }

    [Fact]
    public async Task the_last_round_has_no_tools()
    {
        var model = new ScriptedModel((_, request) => request.Options?.Tools is null ? Say("enough") : Call(Function("a")));
        var client = Durable.Client(model);
        client.GetService<FunctionInvokingChatClient>()!.MaximumIterationsPerRequest = 3;

        var answer = await new FakeRunEngine().RunAsync(_ => client.GetResponseAsync("Go", Durable.With(Durable.Tool("a", () => "x"))));

        Assert.Equal("enough", answer.Messages[^1].Text);
        Assert.Equal(4, model.Requests.Count);
    }

    [Fact]
    public async Task an_unknown_tool_is_told_to_the_model_and_makes_no_step()
    {
        var journal = new FakeJournal();
        var model = new ScriptedModel(Call(Function("nothing"), Function("a")), Say("done"));

        await new FakeRunEngine(journal).RunAsync(_ => Durable.Client(model).GetResponseAsync("Go", Durable.With(Durable.Tool("a", () => "x"))));

        Assert.Equal(["Error: Requested function \"nothing\" not found.", "x"], Results(model.Requests[1]));
        Assert.Equal(["a1", "a1/a2", "a2"], journal.Steps.Select(s => s.Key));
    }

    [Fact]
    public async Task a_tool_that_is_only_declared_is_left_to_the_caller()
    {
        var model = new ScriptedModel(Call(Function("remote"), Function("a")), Say("never"));
        var ran = false;

        var answer = await new FakeRunEngine().RunAsync(_ => Durable.Client(model).GetResponseAsync(
            "Go", Durable.With(Durable.Tool("remote", () => "x").AsDeclarationOnly(), Durable.Tool("a", () => ran = true))));

        Assert.Equal(["remote", "a"], answer.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>().Select(c => c.Name));
        Assert.False(ran);
        Assert.Single(model.Requests);
    }

    [Fact]
    public async Task a_tool_that_had_to_be_called_is_free_after_it_was()
    {
        var model = new ScriptedModel(Call(Function("a")), Say("done"));
        var options = Durable.With(Durable.Tool("a", () => "x"));
        options.ToolMode = ChatToolMode.RequireAny;

        await new FakeRunEngine().RunAsync(_ => Durable.Client(model).GetResponseAsync("Go", options));

        Assert.IsType<RequiredChatToolMode>(model.Requests[0].Options!.ToolMode);
        Assert.Null(model.Requests[1].Options!.ToolMode);
        Assert.IsType<RequiredChatToolMode>(options.ToolMode);
    }

    [Fact]
    public async Task a_history_that_the_provider_keeps_is_not_sent_again()
    {
        var first = Call(Function("a"));
        first.ConversationId = "c1";
        var model = new ScriptedModel(first, Say("done"));

        await new FakeRunEngine().RunAsync(_ => Durable.Client(model).GetResponseAsync("Go", Durable.With(Durable.Tool("a", () => "x"))));

        Assert.Equal([ChatRole.Tool], model.Requests[1].Messages.Select(m => m.Role));
        Assert.Equal("c1", model.Requests[1].Options!.ConversationId);
    }

    [Fact]
    public async Task no_step_stores_the_history()
    {
        var journal = new FakeJournal();
        var model = new ScriptedModel(Call(Function("a", new { x = 1 })), Say("done"));

        await new FakeRunEngine(journal).RunAsync(_ => Durable.Client(model).GetResponseAsync("Go", Durable.With(Durable.Tool("a", (int x) => x))));

        Assert.Contains("Go", journal.Steps[0].Input);
        Assert.Equal("{\"x\":1}", journal.Steps[1].Input);
        Assert.Null(journal.Steps[2].Input);
    }

    [Fact]
    public async Task the_hook_before_a_model_call_may_sleep_durably()
    {
        var journal = new FakeJournal();
        var model = new ScriptedModel(Call(Function("a")), Say("done"));
        var client = Durable.Client(model, o => o.BeforeModelCall = (ctx, call) => call == 1 ? ctx.SleepAsync(TimeSpan.FromSeconds(90)) : Task.CompletedTask);

        await new FakeRunEngine(journal).RunAsync(_ => client.GetResponseAsync("Go", Durable.With(Durable.Tool("a", () => "x"))));

        Assert.Equal(["llm", "tool", StepKinds.Timer, "llm"], journal.Steps.Select(s => s.Kind));
    }

    [Fact]
    public async Task contents_that_a_tool_returns_reach_the_model_as_contents()
    {
        var model = new ScriptedModel(Call(Function("draw")), Say("done"));

        await new FakeRunEngine().RunAsync(_ => Durable.Client(model).GetResponseAsync(
            "Go", Durable.With(Durable.Tool("draw", () => new DataContent(new byte[] { 1, 2 }, "image/png")))));

        var result = model.Requests[1].Messages.SelectMany(m => m.Contents).OfType<FunctionResultContent>().Single();
        Assert.Equal([1, 2], Assert.IsType<DataContent>(result.Result).Data.ToArray());
    }
}
