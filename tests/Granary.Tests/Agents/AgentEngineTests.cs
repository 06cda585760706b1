using Granary.Tests.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static Granary.Tests.Agents.ScriptedModel;

namespace Granary.Tests.Agents;

/// <summary>Agents in real runs over SQLite; a stopped and restarted host stands for a new process.</summary>
public sealed class AgentEngineTests : IDisposable
{
    private const string Steps = "select step_key || ' ' || kind || ' ' || name || ' ' || outcome from granary_steps_v order by step_key";

    private readonly string _data = TestData.NewPath();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => TestData.Delete(_data);

    [Fact, Trait("Scenario", "A-01")]
    public async Task a_question_is_a_run_of_model_tool_model_and_a_later_process_has_its_answer_without_asking_again()
    {
        var model = new ScriptedModel(Call(Function("GetWeather", new { city = "Rome" })), Say("sunny in Rome"));
        void Configure(IGranaryBuilder granary) => With(granary, model).AddAgent("weather").AddTools<WeatherTools>();
        AgentReply first;
        await using (var app = await TestApp.StartAsync(Configure, _data))
            first = await app.Client.Agent("weather").AskAsync("Rome?", new() { IdempotencyKey = "q-1" }, Stop);

        await using var later = await TestApp.StartAsync(Configure, _data);
        var second = await later.Client.Agent("weather").AskAsync("Rome?", new() { IdempotencyKey = "q-1" }, Stop);

        Assert.Equal(("sunny in Rome", "sunny in Rome"), (first.Text, second.Text));
        Assert.Equal(first.Messages.Select(m => m.Role), second.Messages.Select(m => m.Role));
        Assert.Equal(["a1 llm weather succeeded", "a1/a1 tool GetWeather succeeded", "a2 llm weather succeeded"], later.Query(Steps).Select(r => r[0]));
        Assert.Equal(2, model.Requests.Count);
        Invariants.AssertHold(_data);
    }

    [Fact, Trait("Scenario", "A-01")]
    public async Task a_process_that_stops_between_two_tools_leaves_only_the_missing_one_to_run()
    {
        var block = new TaskCompletionSource();
        var reached = new TaskCompletionSource();
        var ran = new List<string>();
        var model = new ScriptedModel((_, request) => Results(request).Count == 0
            ? Call(Function("look", new { city = "Rome" }), Function("look", new { city = "Oslo" }))
            : Say(string.Join(", ", Results(request))));
        void Configure(IGranaryBuilder granary, bool blocks) => With(granary, model).AddAgent("a").AddTool("look", async (string city, StepContext step) =>
        {
            lock (ran)
                ran.Add(city);
            if (blocks && city == "Oslo")
            {
                reached.TrySetResult();
                await block.Task.WaitAsync(step.CancellationToken);
            }

            return $"{city} {step.Attempt}";
        });

        await using (var app = await TestApp.StartAsync(g => Configure(g, blocks: true), _data))
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(Stop);
            _ = app.Client.Agent("a").AskAsync("Go", new() { IdempotencyKey = "q" }, waiting.Token);
            await reached.Task.WaitAsync(Stop);
            await foreach (var update in app.Client.Run("q").WatchAsync(cancellationToken: Stop))
            {
                if (update is StepEnded { Step.Kind: "tool" })
                    break;
            }

            await waiting.CancelAsync();
        }

        await using var later = await TestApp.StartAsync(g => Configure(g, blocks: false), _data);
        var reply = await later.Client.Agent("a").AskAsync("Go", new() { IdempotencyKey = "q" }, Stop);

        Assert.Equal("Rome 0, Oslo 0", reply.Text);
        Assert.Equal(["Oslo", "Oslo", "Rome"], ran.Order());
        Assert.Equal(2, model.Requests.Count);
        Invariants.AssertHold(_data);
    }

    [Fact, Trait("Scenario", "A-03")]
    public async Task a_hundred_parallel_calls_have_one_layout_in_every_run()
    {
        const int Count = 100;
        var started = new Dictionary<string, int>();
        var everyone = new Dictionary<string, TaskCompletionSource>();
        var model = new ScriptedModel((_, request) => Results(request).Count == 0
            ? Call([.. Enumerable.Range(0, Count).Select(i => Function("square", new { i }))])
            : Say(string.Join(' ', Results(request))));
        await using var app = await TestApp.StartAsync(g => With(g, model).AddAgent("a").AddTool("square", async (int i, StepContext step) =>
        {
            TaskCompletionSource all;
            lock (started)
            {
                all = everyone.TryGetValue(step.RunId.Value, out var known) ? known : everyone[step.RunId.Value] = new(TaskCreationOptions.RunContinuationsAsynchronously);
                if ((started[step.RunId.Value] = started.GetValueOrDefault(step.RunId.Value) + 1) == Count)
                    all.SetResult();
            }

            await all.Task.WaitAsync(step.CancellationToken);
            for (var turns = (i * 37) % 11; turns > 0; turns--)
                await Task.Yield();
            return i * i;
        }), _data);

        var replies = await Task.WhenAll(Enumerable.Range(0, 3).Select(n => app.Client.Agent("a").AskAsync("Go", new() { IdempotencyKey = $"q-{n}" }, Stop)));

        Assert.All(replies, r => Assert.Equal(string.Join(' ', Enumerable.Range(0, Count).Select(i => i * i)), r.Text));
        var layouts = replies.Select((_, n) => string.Join('\n', app.Query($"select step_key, kind, name, output from granary_steps_v where run_id = 'q-{n}' and kind = 'tool' order by step_key").Select(r => string.Join(' ', r))));
        Assert.Single(layouts.Distinct());
        Assert.Equal(3L * (Count + 2), app.Query("select count(*) from granary_steps_v")[0][0]);
    }

    [Fact, Trait("Scenario", "A-05")]
    public async Task a_failed_tool_is_told_to_the_model_in_the_same_words_after_a_restart()
    {
        var told = new List<string>();
        var model = new HangingModel(call => call == 1, request =>
        {
            if (Results(request).Count == 0)
                return Call(Function("good"), Function("bad"), Function("good"));
            told.Add(string.Join(" | ", Results(request)));
            return Say("done");
        });
        void Configure(IGranaryBuilder granary) => With(granary, model).AddAgent("a")
            .AddTool("good", () => "fine").AddTool("bad", string () => throw new InvalidOperationException("broken"));

        await using (var app = await TestApp.StartAsync(Configure, _data))
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(Stop);
            _ = app.Client.Agent("a").AskAsync("Go", new() { IdempotencyKey = "q" }, waiting.Token);
            await model.Hangs.WaitAsync(Stop);
            await waiting.CancelAsync();
        }

        await using var later = await TestApp.StartAsync(Configure, _data);
        var reply = await later.Client.Agent("a").AskAsync("Go", new() { IdempotencyKey = "q" }, Stop);

        Assert.Equal("done", reply.Text);
        Assert.Equal(["fine | Error: Function failed. | fine", "fine | Error: Function failed. | fine"], [.. model.Told, .. told]);
        Assert.Equal(["a1/a1", "a1/a2", "a1/a3"], later.Query("select step_key from granary_steps_v where kind = 'tool' order by step_key").Select(r => r[0]));
    }

    [Fact, Trait("Scenario", "A-11")]
    public async Task a_model_that_does_not_answer_in_time_is_tried_again()
    {
        var model = new HangingModel(call => call == 0, _ => Say("at last"));
        await using var app = await TestApp.StartAsync(
            g => With(g, model).AddAgent("a", o => { o.ModelTimeout = TimeSpan.FromMilliseconds(100); o.ModelRetry = new(2) { Delay = TimeSpan.Zero }; }), _data);

        var reply = await app.Client.Agent("a").AskAsync("Go", cancellationToken: Stop);

        Assert.Equal(("at last", 1), (reply.Text, reply.Usage.ModelCalls));
    }

    [Fact]
    public async Task agents_side_by_side_in_a_workflow_replay_to_the_same_answers()
    {
        var model = new ScriptedModel((_, request) => Results(request).Count == 0
            ? Call(Function("GetWeather", new { city = request.Messages[^1].Text }))
            : Say(Results(request)[0]));
        void Configure(IGranaryBuilder granary)
        {
            With(granary, model).AddAgent("a").AddTools<WeatherTools>();
            granary.AddWorkflow<string[], string>("trip", async (ctx, cities) =>
            {
                var replies = await Task.WhenAll(cities.Select(c => ctx.Agent("a").AskAsync(c)));
                await ctx.SleepAsync(TimeSpan.FromMilliseconds(200));
                return string.Join("; ", replies.Select(r => r.Text[..4]));
            });
        }

        await using (var app = await TestApp.StartAsync(Configure, _data))
        {
            await app.Client.Workflow<string[], string>("trip").StartAsync(["Rome", "Oslo", "Lima"], new() { Id = "t" }, Stop);
            await foreach (var update in app.Client.Run("t").WatchAsync(cancellationToken: Stop))
            {
                if (update is RunStatusChanged { Status: RunStatus.Waiting })
                    break;
            }
        }

        await using var later = await TestApp.StartAsync(Configure, _data);

        Assert.Equal("Rome; Oslo; Lima", await later.Client.Run<string>("t").ResultAsync(Stop));
        Assert.Equal(6, model.Requests.Count);
        Assert.Equal(
            ["a1/a1", "a1/a1/a1", "a1/a2", "a2/a1", "a2/a1/a1", "a2/a2", "a3/a1", "a3/a1/a1", "a3/a2"],
            later.Query("select step_key from granary_steps_v where kind in ('llm', 'tool') order by step_key").Select(r => r[0]));
    }

    [Fact]
    public async Task an_agent_that_is_not_there_is_refused_before_a_run_is_started()
    {
        await using var app = await TestApp.StartAsync(g => With(g, new ScriptedModel()).AddAgent("weather"), _data);

        var refused = await Assert.ThrowsAsync<GranaryUsageException>(() => app.Client.Agent("wether").AskAsync("Go", cancellationToken: Stop));

        Assert.Equal("GRN2001", refused.Code);
        Assert.Equal(0L, app.Query("select count(*) from granary_runs_v")[0][0]);
    }

    [Fact]
    public async Task a_tool_in_workflow_context_may_sleep_durably_and_ask_another_agent()
    {
        var model = new ScriptedModel((_, request) => request.Options?.Tools is null ? Say("advice") : Results(request).Count == 0 ? Call(Function("consult")) : Say(Results(request)[0]));
        await using var app = await TestApp.StartAsync(g =>
        {
            With(g, model).AddAgent("expert");
            g.AddAgent("boss").AddTool("consult", async (WorkflowContext ctx) =>
            {
                await ctx.SleepAsync(TimeSpan.FromMilliseconds(10));
                return (await ctx.Agent("expert").AskAsync("What now?")).Text;
            }, tool => tool.Execution = ToolExecution.Workflow);
        }, _data);

        var reply = await app.Client.Agent("boss").AskAsync("Go", cancellationToken: Stop);

        Assert.Equal("advice", reply.Text);
        Assert.Equal(
            ["a1 llm boss succeeded", "a1/a1/a1 timer sleep succeeded", "a1/a1/a2/a1 llm expert succeeded", "a2 llm boss succeeded"],
            app.Query(Steps).Select(r => r[0]));
    }

    private static IGranaryBuilder With(IGranaryBuilder granary, IChatClient model)
    {
        granary.Services.AddSingleton(model);
        return granary;
    }

    /// <summary>Doesn't answer the calls that a test picks, until their token fires.</summary>
    private sealed class HangingModel(Func<int, bool> hangs, Func<Granary.Agents.ModelRequest, ChatResponse> reply) : IChatClient
    {
        private readonly TaskCompletionSource _hangs = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _calls;

        public Task Hangs => _hangs.Task;

        /// <summary>What the tools said, in the calls that were not answered.</summary>
        public List<string> Told { get; } = [];

        public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            var request = new Granary.Agents.ModelRequest([.. messages], options, null);
            if (!hangs(Interlocked.Increment(ref _calls) - 1))
                return reply(request);
            Told.Add(string.Join(" | ", Results(request)));
            _hangs.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new InvalidOperationException("unreachable");
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
