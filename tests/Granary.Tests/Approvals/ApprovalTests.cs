using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Approvals;

/// <summary>Questions of runs to people.</summary>
public sealed class ApprovalTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private sealed record Order(string Id, decimal Total);

    private static Action<IGranaryBuilder> Asking(ApprovalOptions? options = null) => g => g.Configure(o => o.ParkAfter = TimeSpan.FromSeconds(1))
        .AddWorkflow<Order, string>("order", async (ctx, order) =>
        {
            var answer = await ctx.RequestApprovalAsync("Ship this order?", order, options);
            return $"{answer.Decision} {answer.Arguments.Total} {answer.WasEdited} {answer.By ?? "-"} {answer.Comment ?? "-"}";
        });

    [Fact]
    public async Task the_inbox_shows_the_question_with_its_arguments_and_the_first_answer_stands()
    {
        await using var app = await TestApp.StartAsync(Asking());
        var run = await app.Client.Workflow<Order, string>("order").StartAsync(new("42", 99m), new() { Id = "r" }, Stop);
        var asked = await AskedAsync(app, "r");
        Assert.Equal(("Ship this order?", "order", "r"), (asked.Question, asked.Workflow, asked.Run.Value));
        Assert.Equal("""{"id":"42","total":99}""", asked.Arguments.ToString());
        Assert.Equal((RunStatus.Waiting, "approval"), (await run.InfoAsync(Stop) is var info ? info.Status : default, info.WaitingOn));

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
        {
            try
            {
                await app.Client.As($"u{i}").Approvals.ApproveAsync(asked.Id, $"ok {i}", Stop);
                return $"u{i}";
            }
            catch (ApprovalClosedException e)
            {
                return $"after {e.Outcome.By}";
            }
        }));
        var first = Assert.Single(answers, a => a.StartsWith('u'));
        Assert.All(answers.Where(a => a != first), a => Assert.Equal($"after {first}", a));
        Assert.Equal($"Approved 99 False {first} ok {first[1..]}", await run.ResultAsync(Stop));
        Assert.Empty(await ListAsync(app));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    public async Task a_parked_run_is_answered_with_edited_arguments_that_must_fit()
    {
        await using var app = await TestApp.StartAsync(Asking(new() { AllowEdits = true, Deciders = ["role:sales", "ada"] }));
        var run = await app.Client.Workflow<Order, string>("order").StartAsync(new("42", 99m), new() { Id = "r" }, Stop);
        var asked = await AskedAsync(app, "r");
        await Eventually.TrueAsync(app.DataPath, "it is parked", () => app.Query("select 1 from granary_runs_v where waiting_on = 'approval' and owner is null").Count == 1);

        Assert.Equal("GRN1503", (await Assert.ThrowsAsync<GranaryException>(() => app.Client.Approvals.ApproveAsync(asked.Id, cancellationToken: Stop))).Code);
        Assert.Equal("GRN1503", (await Assert.ThrowsAsync<GranaryException>(() => app.Client.As("bob", "ops").Approvals.RejectAsync(asked.Id, cancellationToken: Stop))).Code);
        Assert.Equal("GRN1504", (await Assert.ThrowsAsync<GranaryException>(() => app.Client.As("ada").Approvals.ApproveAsync(asked.Id, "no order", null, Stop))).Code);
        Assert.Equal("GRN1502", (await Assert.ThrowsAsync<GranaryException>(() => app.Client.Approvals.ApproveAsync("nothing", cancellationToken: Stop))).Code);
        Assert.Equal("GRN1604", (await Assert.ThrowsAsync<PayloadException>(() => app.Client.As("ada").Approvals.RejectAsync(asked.Id, "half \ud800", Stop))).Code);
        await app.Client.As("eve", "sales").Approvals.ApproveAsync(asked.Id, new Order("42", 89m), "10 off", Stop);

        Assert.Equal("Approved 89 True eve 10 off", await run.ResultAsync(Stop));

        // The same answer sent again is the same answer.
        await app.Client.As("eve", "sales").Approvals.ApproveAsync(asked.Id, new Order("42", 89m), "10 off", Stop);
        await Assert.ThrowsAsync<ApprovalClosedException>(() => app.Client.As("ada").Approvals.RejectAsync(asked.Id, cancellationToken: Stop));
        Assert.Equal([[0L]], app.Query("select recovery_attempts from granary_runs_v"));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    public async Task a_question_that_nobody_answers_expires_with_its_default()
    {
        await using var app = await TestApp.StartAsync(Asking(new() { Within = TimeSpan.FromSeconds(2.5), OnExpiry = ApprovalDecision.Rejected }));
        var run = await app.Client.Workflow<Order, string>("order").StartAsync(new("42", 99m), new() { Id = "r" }, Stop);
        var asked = await AskedAsync(app, "r");
        Assert.NotNull(asked.ExpiresAt);

        Assert.Equal("Rejected 99 False - -", await run.ResultAsync(Stop));
        var late = await Assert.ThrowsAsync<ApprovalClosedException>(() => app.Client.Approvals.ApproveAsync(asked.Id, cancellationToken: Stop));
        Assert.Equal(("GRN1501", ApprovalDecision.Rejected), (late.Code, late.Outcome.Decision));
        Invariants.AssertHold(app.DataPath);
    }

    [Fact]
    public async Task a_question_survives_the_process_and_is_not_asked_twice()
    {
        using var data = new TestDatabase();
        string id;
        await using (var app = await data.StartAsync(Asking()))
        {
            await app.Client.Workflow<Order, string>("order").StartAsync(new("42", 99m), new() { Id = "r" }, Stop);
            id = (await AskedAsync(app, "r")).Id;
        }

        await using (var app = await data.StartAsync(Asking()))
        {
            Assert.Equal(id, Assert.Single(await ListAsync(app)).Id);
            await app.Client.As("ada").Approvals.RejectAsync(id, "no", Stop);
            Assert.Equal("Rejected 99 False ada no", await app.Client.Run<string>("r").ResultAsync(Stop));
            Assert.Equal([[1L]], app.Query("select count(*) from granary_journal_v where kind = 'WaitStarted'"));
        }

        Invariants.AssertHold(data.Path);
    }

    [Fact]
    public async Task the_inbox_is_filtered_and_forgets_runs_that_ended()
    {
        await using var app = await TestApp.StartAsync(Asking(new() { Deciders = ["ada"] }));
        for (var i = 0; i < 3; i++)
            await app.Client.Workflow<Order, string>("order").StartAsync(new($"{i}", i), new() { Id = $"r{i}" }, Stop);
        await Eventually.TrueAsync(app.DataPath, "all ask", async () => (await ListAsync(app)).Count == 3);
        Assert.Equal(["r1"], (await ListAsync(app, new() { Run = "r1" })).Select(a => a.Run.Value));
        Assert.Empty(await ListAsync(app, new() { Decider = "bob" }));
        Assert.Equal(3, (await ListAsync(app, new() { Decider = "ada", Workflow = "order" })).Count);

        await app.Client.Run("r0").CancelAsync(cancellationToken: Stop);
        await app.Client.Run("r0").WaitAsync(Stop);
        Assert.Equal(["r1", "r2"], (await ListAsync(app)).Select(a => a.Run.Value));
    }

    private static async Task<PendingApproval> AskedAsync(TestApp app, string run)
    {
        PendingApproval? asked = null;
        await Eventually.TrueAsync(app.DataPath, "it asks", async () => (asked = (await ListAsync(app, new() { Run = run })).SingleOrDefault()) is not null);
        return asked!;
    }

    private static async Task<List<PendingApproval>> ListAsync(TestApp app, ApprovalFilter? filter = null)
    {
        var list = new List<PendingApproval>();
        await foreach (var asked in app.Client.Approvals.ListAsync(filter, Stop))
            list.Add(asked);
        return list;
    }
}
