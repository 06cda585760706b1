using Microsoft.Extensions.AI;
using Xunit;
using static Granary.Tests.Agents.ScriptedModel;

namespace Granary.Tests.Agents;

public sealed class ToolExecutionTests
{
    [Fact, Trait("Scenario", "A-06")]
    public async Task a_tool_that_nobody_marked_is_a_step()
    {
        var journal = new FakeJournal();
        StepContext? step = null;
        var model = new ScriptedModel(Call(Function("plain")), Say("done"));

        await new FakeRunEngine(journal).RunAsync(_ => Durable.Client(model).GetResponseAsync("Go", Durable.With(Durable.Tool("plain", () =>
        {
            step = StepContext.Current;
            return WorkflowContext.Current is null;
        }))));

        Assert.Equal("True", Results(model.Requests[1])[0], ignoreCase: true);
        Assert.Equal(("a1/a1", "plain", "fake/a1/a1"), (step!.Key.Value, step.Name, step.IdempotencyKey));
        Assert.Equal("tool", journal.Steps[1].Kind);
    }

    [Fact, Trait("Scenario", "A-06")]
    public async Task a_tool_in_workflow_context_uses_the_verbs_of_the_run_under_its_own_place()
    {
        var journal = new FakeJournal();
        var ran = 0;
        var model = new ScriptedModel(Call(Function("plain"), Function("flow")), Say("done"));
        var client = Durable.Client(model, o => o.ConfigureTool = (name, tool) => tool.Execution = name == "flow" ? ToolExecution.Workflow : ToolExecution.Step);
        var tools = Durable.With(
            Durable.Tool("plain", () => "x"),
            Durable.Tool("flow", async () => await WorkflowContext.Current!.StepAsync("inner", _ => Task.FromResult($"step {++ran}"))));

        await new FakeRunEngine(journal).RunAsync(_ => client.GetResponseAsync("Go", tools));
        var replaying = new FakeRunEngine(journal);
        await replaying.RunAsync(_ => client.GetResponseAsync("Go", tools));

        Assert.Equal(["a1 llm", "a1/a1 tool", "a1/a2/a1 step", "a2 llm"], journal.Steps.Select(s => $"{s.Key} {s.Kind}"));
        Assert.Equal(["x", "step 1"], Results(model.Requests[1]));
        Assert.Equal((1, 0, 0), (ran, replaying.Bodies, replaying.Diverged.Count));
    }

    [Fact, Trait("Scenario", "A-06")]
    public async Task an_untracked_tool_makes_no_step_and_runs_again_on_replay()
    {
        var journal = new FakeJournal();
        var ran = 0;
        var model = new ScriptedModel(Call(Function("pure", new { x = 2 })), Say("done"));
        var client = Durable.Client(model, o => o.ConfigureTool = (_, tool) => tool.Execution = ToolExecution.Untracked);
        var tools = Durable.With(Durable.Tool("pure", (int x) => { ran++; return new { twice = x * 2 }; }));

        var live = await new FakeRunEngine(journal).RunAsync(_ => client.GetResponseAsync("Go", tools));
        var replaying = new FakeRunEngine(journal);
        var replayed = await replaying.RunAsync(_ => client.GetResponseAsync("Go", tools));

        Assert.Equal(["a1", "a2"], journal.Steps.Select(s => s.Key));
        Assert.Equal((2, 0), (ran, replaying.Diverged.Count));
        Assert.Equal(Durable.Json(live), Durable.Json(replayed));
    }

    [Fact]
    public async Task the_attribute_on_a_method_counts_also_for_a_plain_function()
    {
        var journal = new FakeJournal();
        var model = new ScriptedModel(Call(Function("Flaky")), Say("done"));
        var target = new Attributed();

        await new FakeRunEngine(journal).RunAsync(_ => Durable.Client(model).GetResponseAsync("Go", Durable.With(AIFunctionFactory.Create(target.Flaky))));

        Assert.Equal(["ok"], Results(model.Requests[1]));
        Assert.Equal(2, target.Runs);
    }

    private sealed class Attributed
    {
        public int Runs { get; private set; }

        [Tool(MaxAttempts = 2)]
        public string Flaky() => ++Runs < 2 ? throw new InvalidOperationException("first") : "ok";
    }
}
