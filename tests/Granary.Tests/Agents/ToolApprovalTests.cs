using System.Text.Json;
using Granary.Tests.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static Granary.Tests.Agents.ScriptedModel;

namespace Granary.Tests.Agents;

/// <summary>Tool calls that wait for a person.</summary>
public sealed class ToolApprovalTests : IDisposable
{
    private readonly string _data = TestData.NewPath();
    private readonly List<string> _ran = [];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => TestData.Delete(_data);

    /// <summary>Refunds 40 and 90 in one reply; the second must be approved. Says what it was told.</summary>
    private void Refunds(IGranaryBuilder granary)
    {
        granary.Services.AddSingleton<IChatClient>(new ScriptedModel((_, request) => Results(request).Count == 0
            ? Call(Function("refund", new { amount = 40 }, "1"), Function("refund", new { amount = 90 }, "2"))
            : Say(string.Join(", ", Results(request)))));
        granary.AddAgent("billing").AddTool("refund", (decimal amount) =>
        {
            lock (_ran)
                _ran.Add($"{amount}");
            return $"refunded {amount}";
        }, tool => tool.Approval = new()
        {
            When = call => call.Argument<decimal>("amount") > 50,
            Question = call => $"Refund {call.Argument<decimal>("amount")}?",
            Options = new() { AllowEdits = true },
        });
    }

    [Fact]
    public async Task only_the_gated_call_waits_and_a_later_process_asks_nothing_again()
    {
        string id;
        Task<AgentReply> asking;
        await using (var app = await TestApp.StartAsync(Refunds, _data))
        {
            asking = app.Client.Agent("billing").AskAsync("Go", new() { IdempotencyKey = "q" }, Stop);
            var asked = await AskedAsync(app);
            Assert.Equal(("Refund 90?", """{"amount":90}"""), (asked.Question, asked.Arguments.ToString()));
            await Eventually.TrueAsync(_data, "the other call has run", () => { lock (_ran) return _ran.Count == 1; });
            id = asked.Id;
        }

        await Assert.ThrowsAsync<GranaryUnavailableException>(() => asking);
        await using (var app = await TestApp.StartAsync(Refunds, _data))
        {
            await app.Client.As("ada").Approvals.ApproveAsync(id, cancellationToken: Stop);
            var reply = await app.Client.Agent("billing").AskAsync("Go", new() { IdempotencyKey = "q" }, Stop);
            Assert.Equal("refunded 40, refunded 90", reply.Text);
            Assert.Equal(["40", "90"], _ran);
            Assert.Equal(
                ["a1 llm", "a1/a1 tool", "a1/a2 tool", "a1/a2/a1 approval", "a2 llm"],
                app.Query("select step_key || ' ' || kind from granary_steps_v order by step_key").Select(r => r[0]));
        }

        Invariants.AssertHold(_data);
    }

    [Fact]
    public async Task edited_arguments_are_checked_against_the_tool_and_are_what_it_gets()
    {
        await using var app = await TestApp.StartAsync(Refunds, _data);
        var asking = app.Client.Agent("billing").AskAsync("Go", cancellationToken: Stop);
        var asked = await AskedAsync(app);
        foreach (var bad in (object[])[new { amount = "much" }, new { sum = 1 }, 7])
            Assert.Equal("GRN1504", (await Assert.ThrowsAsync<GranaryException>(() => app.Client.Approvals.ApproveAsync(asked.Id, JsonSerializer.SerializeToElement(bad), null, Stop))).Code);
        await app.Client.Approvals.ApproveAsync(asked.Id, new { amount = 60 }, cancellationToken: Stop);

        Assert.Equal("refunded 40, refunded 60", (await asking).Text);
        Assert.Equal(["40", "60"], _ran);
    }

    [Fact]
    public async Task a_rejected_call_never_runs_and_the_model_is_told()
    {
        await using var app = await TestApp.StartAsync(Refunds, _data);
        var asking = app.Client.Agent("billing").AskAsync("Go", cancellationToken: Stop);
        await app.Client.As("ada").Approvals.RejectAsync((await AskedAsync(app)).Id, "too much", Stop);

        Assert.Equal("refunded 40, Not done: ada rejected it: too much", (await asking).Text);
        Assert.Equal(["40"], _ran);
    }

    [Fact]
    public async Task a_function_that_requires_approval_by_its_own_type_is_gated()
    {
        await using var app = await TestApp.StartAsync(granary =>
        {
            granary.Services.AddSingleton<IChatClient>(new ScriptedModel(Call(Function("pay")), Say("done")));
            granary.AddAgent("payer").AddTool(new ApprovalRequiredAIFunction(AIFunctionFactory.Create(() => { lock (_ran) _ran.Add("paid"); return "paid"; }, "pay")));
        }, _data);
        var asking = app.Client.Agent("payer").AskAsync("Go", cancellationToken: Stop);
        var asked = await AskedAsync(app);
        Assert.Empty(_ran);
        await app.Client.Approvals.ApproveAsync(asked.Id, cancellationToken: Stop);
        Assert.Equal("done", (await asking).Text);
        Assert.Equal(["paid"], _ran);
    }

    private async Task<PendingApproval> AskedAsync(TestApp app)
    {
        PendingApproval? asked = null;
        await Eventually.TrueAsync(_data, "it asks", async () =>
        {
            await foreach (var one in app.Client.Approvals.ListAsync(cancellationToken: Stop))
                asked = one;
            return asked is not null;
        });
        return asked!;
    }
}
