using Granary.Journal;
using Xunit;

namespace Granary.Tests.Journal;

/// <summary>The views: names and meaning that people and tools outside rely on.</summary>
public abstract class ViewCompliance : ReadCompliance
{
    /// <summary>The names of a view's columns, in order.</summary>
    private protected abstract string[] Columns(string view);

    [Fact]
    public void views_have_exactly_the_agreed_columns()
    {
        Assert.Equal(["run_id", "run_key", "seq", "epoch", "kind", "step_key", "committed_at"], Columns("granary_journal_v"));
        Assert.Equal(
            [
                "id", "workflow", "version", "status", "waiting_on", "owner", "parent", "forked_from", "queue", "priority", "wake_at", "deadline",
                "recovery_attempts", "created_at", "started_at", "completed_at", "error_code", "input", "output",
            ],
            Columns("granary_runs_v"));
        Assert.Equal(
            [
                "run_id", "run_key", "seq", "step", "step_key", "idempotency_key", "kind", "name", "attempt", "outcome", "epoch", "silo", "started_at",
                "ended_at", "input", "output",
            ],
            Columns("granary_steps_v"));
    }

    [Fact]
    public void journal_view_shows_every_row()
    {
        var run = Started("r");
        Commit(run.Next([run.Step("a1"), run.Row(FactKind.Succeeded)], [], at: 1));
        Assert.Equal(
            [
                ["r", 1L, 1L, 1L, "Started", null, "2026-01-02T12:00:00.123456Z"],
                ["r", 1L, 2L, 1L, "StepSucceeded", "a1", "2026-01-02T12:00:01.123456Z"],
                ["r", 1L, 3L, 1L, "Succeeded", null, "2026-01-02T12:00:01.123456Z"],
            ],
            Sql("select * from granary_journal_v order by seq"));
    }

    [Fact]
    public void runs_view_shows_a_run_as_people_read_it()
    {
        var run = Started("r");
        Commit(run.Next([run.Row(FactKind.Succeeded)], [new RunChange { Status = RunStatus.Succeeded, Starts = true, Result = new RunResult(Chain.Json("\"sunny\""), null) }], at: 60));
        Assert.Equal(
            [
                "r", "weather", "1.2.3", "succeeded", null, null, null, null, null, null, null, null,
                0L, "2026-01-02T12:00:00.123456Z", "2026-01-02T12:01:00.123456Z", "2026-01-02T12:01:00.123456Z", null, "\"Bern?\"", "\"sunny\"",
            ],
            Assert.Single(Sql("select * from granary_runs_v")));
    }

    [Fact]
    public void compressed_payloads_are_no_text()
    {
        var chain = new Chain(1);
        var packed = new Payload("json+br", [255, 0, 1]);
        Commit(chain.Next([chain.Row(FactKind.Started), chain.Step("a1") with { Input = packed, Output = packed }], [], Chain.Run(1, "r", Me) with { Input = packed, Output = packed }));
        Assert.Equal([null, null], Assert.Single(Sql("select input, output from granary_runs_v")));
        Assert.Equal([null, null], Assert.Single(Sql("select input, output from granary_steps_v")));
    }

    [Fact]
    public void broken_error_text_does_not_break_the_view()
    {
        var chain = new Chain(1);
        Commit(chain.Next([chain.Row(FactKind.Started)], [], Chain.Run(1, "r", Me) with { Error = "no json"u8.ToArray() }));
        Assert.Null(Value("select error_code from granary_runs_v"));
    }

    [Theory]
    [InlineData(RunStatus.Queued, "queued")]
    [InlineData(RunStatus.Delayed, "delayed")]
    [InlineData(RunStatus.Running, "running")]
    [InlineData(RunStatus.Waiting, "waiting")]
    [InlineData(RunStatus.Succeeded, "succeeded")]
    [InlineData(RunStatus.Failed, "failed")]
    [InlineData(RunStatus.Cancelled, "cancelled")]
    [InlineData(RunStatus.Poisoned, "poisoned")]
    public async Task status_is_shown_in_lower_case_and_read_back(RunStatus status, string text)
    {
        var run = Started("r");
        Commit(run.Next([run.Row(FactKind.Parked)], [new RunChange { Status = status }]));
        Assert.Equal(text, Value("select status from granary_runs_v"));
        Assert.Equal(status, (await Run("r")).Status);
    }

    [Fact]
    [Trait("Scenario", "W-01")]
    public void steps_view_ranks_steps_by_key_and_orders_them_by_completion()
    {
        var run = Started("r", owner: "silo-1:100");
        Commit(run.Next(run.Step("a2"), run.Step("a10")));
        Commit(run.Next(run.Step("a1"), run.Step("a1/a1")));
        Assert.Equal(
            [[2L, 4L, "a2"], [3L, 3L, "a10"], [4L, 1L, "a1"], [5L, 2L, "a1/a1"]],
            Sql("select seq, step, step_key from granary_steps_v order by seq"));
        Assert.Equal(
            [
                "r", 1L, 2L, 4L, "a2", "1/a2", "tool", "weather", 0L, "succeeded", 1L, "silo-1:100",
                "2026-01-02T11:59:59.123456Z", "2026-01-02T12:00:00.123456Z", """{"city":"Bern"}""", "\"sunny\"",
            ],
            Sql("select * from granary_steps_v order by seq")[0]);
    }

    [Fact]
    [Trait("Scenario", "W-03")]
    public void attempts_are_rows_of_one_step()
    {
        var run = Started("r");
        Commit(run.Next(run.Step("a1", FactKind.StepRetried), run.Step("a1", FactKind.StepRetried, 1), run.Step("a1", FactKind.StepFailed, 2), run.Step("a2")));
        Assert.Equal(
            [[1L, 0L, "retried", null], [1L, 1L, "retried", null], [1L, 2L, "failed", null], [2L, 0L, "succeeded", "\"sunny\""]],
            Sql("select step, attempt, outcome, output from granary_steps_v order by seq"));
    }

    [Fact]
    public void running_attempt_is_shown_until_it_ends()
    {
        var run = Started("r");
        Commit(run.Next(run.Step("a1", FactKind.StepRetried), run.Step("a1", FactKind.StepRunning, 1)));
        Assert.Equal(
            [[0L, "retried", "2026-01-02T12:00:00.123456Z"], [1L, "running", null]],
            Sql("select attempt, outcome, ended_at from granary_steps_v order by seq"));

        Commit(run.Next(run.Step("a1", attempt: 1)));
        Assert.Equal([["retried"], ["succeeded"]], Sql("select outcome from granary_steps_v order by seq"));
    }

    [Fact]
    public void attempt_that_runs_again_after_a_crash_is_one_row()
    {
        var run = Started("r");
        Commit(run.Next(run.Step("a1", FactKind.StepRunning)));
        run.Epoch = 2;
        Commit(run.Next(run.Row(FactKind.Claimed, name: "silo-2:200"), run.Step("a1", FactKind.StepRunning)));
        Assert.Equal([4L, 0L, "running", 2L, "silo-2:200"], Assert.Single(Sql("select seq, attempt, outcome, epoch, silo from granary_steps_v")));
    }

    [Fact]
    public void timer_runs_until_it_has_fired()
    {
        var run = Started("r");
        var timer = new JournalRow { Kind = FactKind.TimerStarted, Epoch = 1, StepKey = "a1", Name = "sleep", DueAt = Chain.Noon.AddHours(1) };
        Commit(run.Next(timer));
        Assert.Equal(["timer", "running", "2026-01-02T12:00:00.123456Z", null], Assert.Single(Sql("select kind, outcome, started_at, ended_at from granary_steps_v")));

        Commit(run.Next(run.Step("a1")));
        Assert.Equal("succeeded", Value("select outcome from granary_steps_v"));
    }

    [Fact]
    public void silo_is_the_one_that_claimed_the_epoch()
    {
        // Started by somebody else: epoch 0, and the first executor claims.
        var run = new Chain(1) { Epoch = 0 };
        Commit(run.Start("r", owner: "starter:1"));
        run.Epoch = 1;
        Commit(run.Next(run.Row(FactKind.Claimed, name: "silo-1:100"), run.Step("a1")));
        run.Epoch = 2;
        Commit(run.Next(run.Row(FactKind.Claimed, name: "silo-2:200"), run.Step("a2")));
        Assert.Equal([[1L, "silo-1:100"], [2L, "silo-2:200"]], Sql("select epoch, silo from granary_steps_v order by seq"));
    }
}
