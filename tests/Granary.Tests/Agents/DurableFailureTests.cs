using Microsoft.Extensions.AI;
using Xunit;
using static Granary.Tests.Agents.ScriptedModel;

namespace Granary.Tests.Agents;

public sealed class DurableFailureTests
{
    [Fact, Trait("Scenario", "A-05")]
    public async Task a_tool_that_throws_is_told_to_the_model_in_the_same_words_on_replay()
    {
        var journal = new FakeJournal();
        var model = new ScriptedModel((_, request) => Results(request).Count == 0
            ? Call(Function("a", id: "1"), Function("bad", id: "2"), Function("a", id: "3"))
            : Say(string.Join(" | ", Results(request))));
        Task<ChatResponse> Ask(FakeRunEngine engine) => engine.RunAsync(_ => Durable.Client(model).GetResponseAsync("Go", Durable.With(
            Durable.Tool("a", () => "fine"), Durable.Tool("bad", string () => throw new InvalidOperationException("secret")))));

        var live = await Ask(new(journal));
        journal.Remove("a2");
        var resumed = new FakeRunEngine(journal);
        var again = await Ask(resumed);

        Assert.Equal("fine | Error: Function failed. | fine", live.Messages[^1].Text);
        Assert.Equal(live.Messages[^1].Text, again.Messages[^1].Text);
        Assert.Equal(["1", "2", "3"], live.Messages[1].Contents.Cast<FunctionResultContent>().Select(r => r.CallId));
        Assert.Equal(1, resumed.Bodies);
    }

    [Fact]
    public async Task details_of_a_failure_are_told_only_where_asked_for_and_are_the_same_on_replay()
    {
        var journal = new FakeJournal();
        var model = new ScriptedModel((_, request) => Results(request).Count == 0 ? Call(Function("bad")) : Say(Results(request)[0]));
        async Task<string> Ask()
        {
            var client = Durable.Client(model);
            client.GetService<FunctionInvokingChatClient>()!.IncludeDetailedErrors = true;
            var answer = await new FakeRunEngine(journal).RunAsync(_ => client.GetResponseAsync("Go", Durable.With(
                Durable.Tool("bad", string () => throw new InvalidOperationException("no such city")))));
            return answer.Messages[^1].Text;
        }

        var live = await Ask();
        journal.Remove("a2");

        Assert.Equal("Error: Function failed. Exception: no such city", live);
        Assert.Equal(live, await Ask());
    }

    [Fact]
    public async Task what_stops_the_run_passes_the_loop_and_is_never_told_to_the_model()
    {
        var model = new ScriptedModel(Call(Function("stop"), Function("never")), Say("wrong"));
        var never = new TaskCompletionSource<string>();
        var client = Durable.Client(model, o => o.ConfigureTool = (name, tool) => tool.Execution = name == "stop" ? ToolExecution.Workflow : ToolExecution.Step);

        await Assert.ThrowsAsync<RunStoppedException>(() => new FakeRunEngine().RunAsync(_ => client.GetResponseAsync("Go", Durable.With(
            Durable.Tool("stop", string () => throw new RunStoppedException()), Durable.Tool("never", () => never.Task))))
            .WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));

        Assert.Single(model.Requests);
    }

    [Fact]
    public async Task the_end_of_the_run_passes_the_loop_as_cancellation()
    {
        var model = new ScriptedModel(Call(Function("long")), Say("wrong"));
        var engine = new FakeRunEngine();
        var client = Durable.Client(model, o => o.ConfigureTool = (_, tool) => tool.Execution = ToolExecution.Untracked);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.RunAsync(_ => client.GetResponseAsync("Go", Durable.With(
            Durable.Tool("long", async (CancellationToken cancellationToken) =>
            {
                await engine.Ending.CancelAsync();
                cancellationToken.ThrowIfCancellationRequested();
                return "wrong";
            })))));

        Assert.Single(model.Requests);
    }

    [Fact]
    public async Task a_tool_that_is_cancelled_while_the_run_goes_on_is_a_failed_tool()
    {
        var model = new ScriptedModel((_, request) => Results(request).Count == 0 ? Call(Function("slow")) : Say(Results(request)[0]));

        var answer = await new FakeRunEngine().RunAsync(_ => Durable.Client(model).GetResponseAsync("Go", Durable.With(
            Durable.Tool("slow", string () => throw new TaskCanceledException("the HTTP client's limit")))));

        Assert.Equal("Error: Function failed.", answer.Messages[^1].Text);
    }

    [Theory]
    [InlineData("{}", "'count' is missing")]
    [InlineData("{\"count\":\"many\"}", "'count' is no Int32")]
    [InlineData("{\"count\":null}", "'count' is null")]
    public async Task arguments_that_do_not_fit_are_told_to_the_model_and_not_tried_again(string arguments, string mistake)
    {
        var ran = 0;
        var values = System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, object?>>(arguments);
        var model = new ScriptedModel((_, request) => Results(request).Count == 0 ? Call(new FunctionCallContent("1", "take", values)) : Say(Results(request)[0]));
        var client = Durable.Client(model, o => o.ConfigureTool = (_, tool) => tool.Retry = new(5));
        var engine = new FakeRunEngine();

        var answer = await engine.RunAsync(_ => client.GetResponseAsync("Go", Durable.With(Durable.Tool("take", (int count) => ++ran + count))));

        Assert.Contains(mistake, answer.Messages[^1].Text, StringComparison.Ordinal);
        Assert.StartsWith("Error: ", answer.Messages[^1].Text, StringComparison.Ordinal);
        Assert.Equal((0, 3), (ran, engine.Bodies));
    }

    [Fact]
    public async Task a_failure_of_the_tool_itself_is_tried_again_as_its_options_say()
    {
        var attempts = new List<int>();
        var model = new ScriptedModel(Call(Function("flaky")), Say("done"));
        var client = Durable.Client(model, o => o.ConfigureTool = (_, tool) => tool.Retry = new(3) { Delay = TimeSpan.Zero });

        await new FakeRunEngine().RunAsync(_ => client.GetResponseAsync("Go", Durable.With(Durable.Tool("flaky", () =>
        {
            attempts.Add(StepContext.Current!.Attempt);
            return attempts.Count < 3 ? throw new ArgumentException("not yet") : "ok";
        }))));

        Assert.Equal([0, 1, 2], attempts);
        Assert.Equal(["ok"], Results(model.Requests[1]));
    }

    [Fact]
    public async Task rounds_that_fail_again_and_again_fail_the_question()
    {
        var model = new ScriptedModel((_, _) => Call(Function("bad")));

        var failure = await Assert.ThrowsAsync<StepFailedException>(() => new FakeRunEngine().RunAsync(_ => Durable.Client(model).GetResponseAsync(
            "Go", Durable.With(Durable.Tool("bad", string () => throw new InvalidOperationException("broken"))))));

        Assert.True(failure.Is<InvalidOperationException>());
        Assert.Equal(4, model.Requests.Count);
    }

    [Fact, Trait("Scenario", "A-11")]
    public async Task a_model_that_is_overloaded_is_tried_again_with_the_delays_that_are_due()
    {
        var failures = new Queue<Exception>(
        [
            new ModelException("GRN2204", "Too many requests.") { IsTransient = true, Status = 429, RetryAfter = TimeSpan.FromSeconds(7) },
            new HttpRequestException("broken", null, System.Net.HttpStatusCode.InternalServerError),
            new TimeoutException("slow"),
        ]);
        var model = new ScriptedModel((_, _) => failures.TryDequeue(out var failure) ? throw failure : Say("at last"));
        var engine = new FakeRunEngine();

        var answer = await engine.RunAsync(_ => Durable.Client(model).GetResponseAsync("Go"));

        Assert.Equal("at last", answer.Text);
        Assert.Equal([7, 2, 4], engine.Delays.Select(d => d.TotalSeconds));
    }

    [Theory, Trait("Scenario", "A-11")]
    [InlineData(400, 1)]
    [InlineData(401, 1)]
    [InlineData(404, 1)]
    [InlineData(408, 4)]
    [InlineData(429, 4)]
    [InlineData(503, 4)]
    public async Task only_a_status_that_may_pass_is_tried_again(int status, int calls)
    {
        var model = new ScriptedModel((_, _) => throw new HttpRequestException("no", null, (System.Net.HttpStatusCode)status));

        await Assert.ThrowsAsync<StepFailedException>(() => new FakeRunEngine().RunAsync(_ => Durable.Client(model).GetResponseAsync("Go")));

        Assert.Equal(calls, model.Requests.Count);
    }

    [Fact, Trait("Scenario", "A-11")]
    public async Task an_exception_of_a_provider_library_is_judged_by_its_status()
    {
        var model = new ScriptedModel((call, _) => throw new ProviderException(call == 0 ? 429 : 400));

        await Assert.ThrowsAsync<StepFailedException>(() => new FakeRunEngine().RunAsync(_ => Durable.Client(model).GetResponseAsync("Go")));

        Assert.Equal(2, model.Requests.Count);
    }

    private sealed class ProviderException(int status) : Exception("the provider's own")
    {
        public int Status { get; } = status;
    }
}
