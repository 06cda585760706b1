using Granary.Journal;
using Xunit;

namespace Granary.Tests.Journal;

/// <summary>What is written beside the journal: with its rows or not at all, and how it is found again.</summary>
public abstract class SideCompliance : ViewCompliance
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task side_rows_are_kept_with_their_rows()
    {
        var run = Started("r");
        Commit(run.Next([run.Row(FactKind.SignalReceived, name: "payment")], [], sides: [new SignalKeyRow("r", "k1", "payment")], at: 1));
        Commit(run.Next([run.Step("a1"), run.Step("a2")], [], sides: [Event("state", "\"paid\""), Approval("p1")], at: 2));

        Assert.Equal(["r", "k1", 1L, 2L, "payment"], Assert.Single(Sql("select run_id, key, run_key, seq, topic from granary_signals")));
        Assert.Equal(["r", "state", 1L, 4L, "a1"], Assert.Single(Sql("select run_id, name, run_key, seq, step_key from granary_events")));
        Assert.Equal(["p1", 1L], Assert.Single(Sql("select id, run_key from granary_approvals")));
        Assert.Equal(Chain.Noon.AddSeconds(2), (await Store.FindEventAsync("r", "state", Stop))!.At);
        Assert.Equal(Chain.Noon.AddSeconds(2), (await Store.FindApprovalAsync("p1", Stop))!.AskedAt);
    }

    [Fact]
    public async Task side_rows_can_come_with_the_run_itself()
    {
        var chain = new Chain(1);
        Commit(chain.Next([chain.Row(FactKind.Started), chain.Row(FactKind.SignalReceived)], [], Chain.Run(1, "r", Me), sides: [new SignalKeyRow("r", "k1", "t")]));
        Assert.True(await Store.HasSignalAsync("r", "k1", Stop));
    }

    [Fact]
    public async Task side_rows_of_a_refused_unit_are_not_kept_and_those_of_others_are()
    {
        var old = Started("r");
        var free = Started("free", key: 2);
        Commit(old.Next([old.Step("a1")], [], sides: [Approval("p1")]));
        var claim = old.Twin(epoch: 2);
        Commit(claim.Next(claim.Row(FactKind.Claimed)));

        var outcomes = Store.Write(
        [
            old.Next([old.Step("a2")], [], sides: [new SignalKeyRow("r", "k1", "t"), Event("state", "1"), Approval("p2"), Closed("p1", "approved")]),
            free.Next([free.Step("a1")], [], sides: [new SignalKeyRow("free", "k1", "t")]),
        ]);
        Assert.Equal([UnitResult.Fenced, UnitResult.Committed], outcomes.Select(o => o.Result));
        Assert.False(await Store.HasSignalAsync("r", "k1", Stop));
        Assert.Null(await Store.FindEventAsync("r", "state", Stop));
        Assert.Null(await Store.FindApprovalAsync("p2", Stop));
        Assert.Null((await Store.FindApprovalAsync("p1", Stop))!.Closed);
        Assert.True(await Store.HasSignalAsync("free", "k1", Stop));
    }

    [Fact]
    public void unit_sent_again_is_recognised_and_doubles_nothing()
    {
        var run = Started("r");
        Commit(run.Next([run.Step("a1")], [], sides: [Approval("p1")]));
        AppendUnit[] batch =
        [
            run.Next([run.Step("a2")], [], sides: [new SignalKeyRow("r", "k1", "t"), Event("state", "1"), Approval("p2"), Closed("p1", "approved")]),
            new Chain(2).Start("new"),
        ];
        Store.Write(batch);
        Assert.Equal([UnitResult.Committed, UnitResult.Committed], Store.Write(batch).Select(o => o.Result));
        Assert.Equal(
            [1L, 1L, 2L],
            Assert.Single(Sql("select (select count(*) from granary_signals), (select count(*) from granary_events), (select count(*) from granary_approvals)")));
    }

    [Fact]
    public async Task signal_keys_are_kept_apart_by_run()
    {
        var run = Started("r");
        var other = Started("other", key: 2);
        Commit(run.Next([run.Row(FactKind.SignalReceived)], [], sides: [new SignalKeyRow("r", "k1", "t")]));
        Assert.True(await Store.HasSignalAsync("r", "k1", Stop));
        Assert.False(await Store.HasSignalAsync("r", "K1", Stop));
        Assert.False(await Store.HasSignalAsync("other", "k1", Stop));

        Commit(other.Next([other.Row(FactKind.SignalReceived)], [], sides: [new SignalKeyRow("other", "k1", "t")]));
        Assert.True(await Store.HasSignalAsync("other", "k1", Stop));
    }

    [Fact]
    public void signal_key_that_is_there_already_stays_as_it_is()
    {
        var run = Started("r");
        Commit(run.Next([run.Row(FactKind.SignalReceived)], [], sides: [new SignalKeyRow("r", "k1", "first"), new SignalKeyRow("r", "k1", "second")]));
        Commit(run.Next([run.Row(FactKind.SignalReceived)], [], sides: [new SignalKeyRow("r", "k1", "third")]));
        Assert.Equal(["first", 2L], Assert.Single(Sql("select topic, seq from granary_signals")));
        Assert.Equal([1, 2, 3], Numbers(1));
    }

    [Fact]
    public async Task newest_value_of_an_event_is_found_and_its_history_is_read_after_a_number()
    {
        var run = Started("r");
        var other = Started("other", key: 2);
        for (var i = 1; i <= 5; i++)
            Commit(run.Next([run.Step($"a{i}")], [], sides: [Event("state", $"{i}", $"a{i}")], at: i));
        Commit(run.Next([run.Step("a6")], [], sides: [Event("progress", "60", "a6")]));
        Commit(other.Next([other.Step("a1")], [], sides: [Event("state", "99") with { RunId = "other" }]));

        var newest = await Store.FindEventAsync("r", "state", Stop);
        Assert.Equal((6L, "a5", Chain.Noon.AddSeconds(5)), (newest!.Seq, newest.StepKey, newest.At));
        AssertSame(Chain.Json("5"), newest.Value);
        Assert.Null(await Store.FindEventAsync("r", "State", Stop));

        Assert.Equal([2, 3, 4, 5, 6], (await Store.ReadEventsAsync("r", "state", 0, 100, Stop)).Select(e => e.Seq));
        Assert.Equal([4, 5], (await Store.ReadEventsAsync("r", "state", 3, 2, Stop)).Select(e => e.Seq));
        Assert.Empty(await Store.ReadEventsAsync("r", "state", 6, 100, Stop));
    }

    [Fact]
    public async Task approval_is_read_back_as_it_was_asked()
    {
        var run = Started("r");
        var asked = new ApprovalRow
        {
            Id = "p1",
            RunId = "r",
            Workflow = "weather",
            StepKey = "a1",
            Question = "Send it?",
            Arguments = new Payload("json+br", [0, 1, 255]),
            Hash = [7, 0, 7],
            Deciders = """["ann","role:ops"]""",
            AllowsEdits = true,
            ExpiresAt = Chain.Noon.AddDays(3),
        };
        Commit(run.Next([run.Row(FactKind.WaitStarted, "a1")], [], sides: [asked], at: 1));

        var read = (await Store.FindApprovalAsync("p1", Stop))!;
        Assert.Equal((Chain.Noon.AddSeconds(1), null, null), (read.AskedAt, read.Closed, read.ClosedAt));
        Assert.Equal(asked with { Arguments = null, Hash = null }, read.Asked with { Arguments = null, Hash = null });
        AssertSame(asked.Arguments, read.Asked.Arguments);
        Assert.Equal(asked.Hash, read.Asked.Hash);
        Assert.Null(await Store.FindApprovalAsync("P1", Stop));

        var closed = new ApprovalClosedRow { Id = "p1", Decision = "approved", By = "ann", Comment = "fine", EditedArguments = new Payload("json", []) };
        Commit(run.Next([run.Step("a1")], [], sides: [closed], at: 9));
        read = (await Store.FindApprovalAsync("p1", Stop))!;
        Assert.Equal(Chain.Noon.AddSeconds(9), read.ClosedAt);
        Assert.Equal(closed with { EditedArguments = null }, read.Closed! with { EditedArguments = null });
        AssertSame(closed.EditedArguments, read.Closed.EditedArguments);
        Assert.Equal(Chain.Noon.AddSeconds(1), read.AskedAt);
    }

    [Fact]
    public async Task what_an_approval_may_lack_is_read_back_as_lacking()
    {
        var run = Started("r");
        Commit(run.Next([run.Row(FactKind.WaitStarted, "a1")], [], sides: [Approval("p1"), Closed("p1", "expired")]));
        var read = (await Store.FindApprovalAsync("p1", Stop))!;
        Assert.Equal(Approval("p1"), read.Asked);
        Assert.Equal(Closed("p1", "expired"), read.Closed);
    }

    [Fact]
    public async Task first_answer_to_an_approval_stands()
    {
        var run = Started("r");
        Commit(run.Next([run.Row(FactKind.WaitStarted)], [], sides: [Approval("p1"), Approval("p2"), Approval("p1") with { Question = "Another?" }]));
        Commit(run.Next([run.Step("a1")], [], sides: [Closed("p1", "rejected"), Closed("p2", "approved"), Closed("p2", "expired")], at: 1));
        Commit(run.Next([run.Step("a2")], [], sides: [Closed("p1", "approved"), Closed("nowhere", "approved")], at: 2));

        var first = (await Store.FindApprovalAsync("p1", Stop))!;
        Assert.Equal(("Send it?", "rejected", Chain.Noon.AddSeconds(1)), (first.Asked.Question, first.Closed!.Decision, first.ClosedAt));
        Assert.Equal("approved", (await Store.FindApprovalAsync("p2", Stop))!.Closed!.Decision);
    }

    [Fact]
    public async Task open_approvals_are_listed_oldest_first_in_pages_by_run_and_by_workflow()
    {
        var run = Started("r");
        var other = Started("other", key: 2);
        Commit(run.Next([run.Row(FactKind.WaitStarted)], [], sides: [Approval("b"), Approval("A"), Approval("a")], at: 5));
        Commit(run.Next([run.Row(FactKind.WaitStarted)], [], sides: [Approval("c") with { Workflow = "mail" }], at: 6));
        Commit(other.Next([other.Row(FactKind.WaitStarted)], [], sides: [Approval("z") with { RunId = "other" }], at: 4));

        Assert.Equal(["z", "A", "a", "b", "c"], await List());
        Assert.Equal(["z", "A"], await List(limit: 2));
        Assert.Equal(["a", "b"], await List(after: (Chain.Noon.AddSeconds(5), "A"), limit: 2));
        Assert.Equal(["c"], await List(after: (Chain.Noon.AddSeconds(5), "b"), limit: 2));
        Assert.Empty(await List(after: (Chain.Noon.AddSeconds(6), "c")));
        Assert.Equal(["z"], await List(runId: "other"));
        Assert.Equal(["a", "b", "c"], await List(runId: "r", after: (Chain.Noon.AddSeconds(5), "A")));
        Assert.Equal(["c"], await List(workflow: "mail"));
        Assert.Empty(await List(runId: "other", workflow: "mail"));
    }

    [Theory]
    [InlineData(RunStatus.Waiting, true)]
    [InlineData(RunStatus.Running, true)]
    [InlineData(RunStatus.Succeeded, false)]
    [InlineData(RunStatus.Failed, false)]
    [InlineData(RunStatus.Cancelled, false)]
    [InlineData(RunStatus.Poisoned, false)]
    public async Task closed_approvals_and_those_of_ended_runs_are_not_listed(RunStatus status, bool listed)
    {
        var run = Started("r");
        Commit(run.Next([run.Row(FactKind.WaitStarted)], [], sides: [Approval("p1"), Approval("p2")]));
        Commit(run.Next([run.Step("a1")], [new RunChange { Status = status, WaitingOn = status == RunStatus.Waiting ? "approval" : null }], sides: [Closed("p2", "expired")]));
        Assert.Equal(listed ? ["p1"] : [], await List());
        Assert.Equal(listed ? ["p1"] : [], await List(runId: "r"));
        Assert.NotNull(await Store.FindApprovalAsync("p1", Stop));
    }

    public static TheoryData<string> Kinds => ["topic", "key", "event", "question", "comment"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task text_that_cannot_be_stored_beside_the_rows_fails_its_own_unit_only(string where)
    {
        var run = Started("r");
        var free = Started("free", key: 2);
        Commit(run.Next([run.Step("a1")], [], sides: [Approval("p1")]));
        foreach (var text in (string[])["a\0b", "half \uD800 pair"])
        {
            SideRow bad = where switch
            {
                "topic" => new SignalKeyRow("r", "k2", text),
                "key" => new SignalKeyRow("r", text, "t"),
                "event" => Event(text, "1"),
                "question" => Approval("p2") with { Question = text },
                _ => Closed("p1", "approved") with { Comment = text },
            };
            var outcomes = Store.Write(
            [
                run.Unit([run.Step("a2")], [], sides: [new SignalKeyRow("r", "k1", "t"), bad]),
                free.Next([free.Step("a1")], [], sides: [new SignalKeyRow("free", "k1", "t")]),
            ]);
            Assert.Equal([UnitResult.Rejected, UnitResult.Committed], outcomes.Select(o => o.Result));
            Assert.NotNull(outcomes[0].Error);
        }

        Assert.Equal([1, 2], Numbers(1));
        Assert.False(await Store.HasSignalAsync("r", "k1", Stop));
        Assert.True(await Store.HasSignalAsync("free", "k1", Stop));
        Assert.Null((await Store.FindApprovalAsync("p1", Stop))!.Closed);
    }

    [Fact]
    public void wait_runs_until_its_outcome_is_there()
    {
        var run = Started("r");
        Commit(run.Next(new JournalRow { Kind = FactKind.WaitStarted, Epoch = 1, StepKey = "a1", StepKind = "signal", Name = "payment", DueAt = Chain.Noon.AddHours(1) }));
        Assert.Equal(
            ["signal", "payment", "running", "2026-01-02T12:00:00.123456Z", null],
            Assert.Single(Sql("select kind, name, outcome, started_at, ended_at from granary_steps_v")));

        Commit(run.Next(run.Step("a1") with { StepKind = "signal" }));
        Assert.Equal(["signal", "succeeded"], Assert.Single(Sql("select kind, outcome from granary_steps_v")));
    }

    private async Task<string[]> List(
        string? runId = null, string? workflow = null, (DateTimeOffset, string)? after = null, int limit = 100) =>
        [.. (await Store.ListApprovalsAsync(runId, workflow, after, limit, Stop)).Select(a => a.Asked.Id)];

    private static EventRow Event(string name, string json, string step = "a1") => new("r", name, step, Chain.Json(json));

    private static ApprovalRow Approval(string id) => new() { Id = id, RunId = "r", Workflow = "weather", StepKey = "a1", Question = "Send it?" };

    private static ApprovalClosedRow Closed(string id, string decision) => new() { Id = id, Decision = decision };
}
