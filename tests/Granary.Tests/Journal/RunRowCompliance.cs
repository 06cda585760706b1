using System.Text;
using Granary.Journal;
using Xunit;

namespace Granary.Tests.Journal;

/// <summary>The run's row: changes with the journal or not at all.</summary>
public abstract class RunRowCompliance : AppendCompliance
{
    [Fact]
    public async Task new_run_is_read_back_as_it_was_written()
    {
        var run = Chain.Run(1, "r", Me) with
        {
            Status = RunStatus.Waiting,
            WaitingOn = "timer",
            WakeAt = Chain.Noon.AddDays(400),
            RecoveryAttempts = 3,
            StartedAt = Chain.Noon.AddSeconds(2),
            CompletedAt = Chain.Noon.AddSeconds(3),
            Output = new Payload("json+br", [0, 1, 255]),
            Error = """{"type":"T","message":"ü"}"""u8.ToArray(),
        };
        var chain = new Chain(1);
        Commit(chain.Next([chain.Row(FactKind.Started)], [], run));

        var read = await Store.FindRunAsync("r", TestContext.Current.CancellationToken);
        Assert.NotNull(read);
        Assert.Equal(run with { Input = read.Input, Output = read.Output, Error = read.Error }, read);
        AssertSame(run.Input, read.Input);
        AssertSame(run.Output, read.Output);
        Assert.Equal("""{"type":"T","message":"ü"}""", Encoding.UTF8.GetString(read.Error!));
    }

    [Fact]
    public async Task unknown_id_has_no_run()
    {
        Started("R");
        Assert.Null(await Store.FindRunAsync("r", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task empty_payload_stays_an_empty_payload()
    {
        var chain = new Chain(1);
        Commit(chain.Next([chain.Row(FactKind.Started)], [], Chain.Run(1, "r", Me) with { Input = new Payload("json", []) }));
        Assert.Empty((await Store.FindRunAsync("r", TestContext.Current.CancellationToken))!.Input.Bytes);
    }

    [Fact]
    public async Task change_sets_all_its_columns_and_leaves_the_rest()
    {
        var run = Started("r");
        var due = Chain.Noon.AddHours(1);
        Commit(run.Next([run.Step("a1", FactKind.TimerStarted)], [new RunChange { Status = RunStatus.Waiting, WaitingOn = "timer", Owner = Me, WakeAt = due }]));
        var waiting = await Run("r");
        Assert.Equal((RunStatus.Waiting, "timer", Me, (DateTimeOffset?)due), (waiting.Status, waiting.WaitingOn, waiting.Owner, waiting.WakeAt));
        Assert.Equal("\"Bern?\"", Encoding.UTF8.GetString(waiting.Input.Bytes));

        Commit(run.Next([run.Step("a1")], [new RunChange { Status = RunStatus.Running, Owner = Me }]));
        var running = await Run("r");
        Assert.Equal((RunStatus.Running, null, Me, null), (running.Status, running.WaitingOn, running.Owner, running.WakeAt));
    }

    [Fact]
    public async Task changes_of_one_unit_apply_in_order()
    {
        var run = Started("r");
        Commit(run.Next(
            [run.Step("a1", FactKind.TimerStarted), run.Step("a1")],
            [
                new RunChange { Status = RunStatus.Waiting, WaitingOn = "timer", Owner = Me, WakeAt = Chain.Noon, RecoveryAttempts = 1 },
                new RunChange { Status = RunStatus.Running, Owner = Me, RecoveryAttempts = 1 },
            ]));
        var row = await Run("r");
        Assert.Equal((RunStatus.Running, null, null, 2), (row.Status, row.WaitingOn, row.WakeAt, row.RecoveryAttempts));
    }

    [Fact]
    public async Task start_time_is_that_of_the_first_append_that_executes()
    {
        var run = Started("r");
        Assert.Null((await Run("r")).StartedAt);
        Commit(run.Next([run.Row(FactKind.Claimed)], [new RunChange { Status = RunStatus.Running, Owner = Me, Starts = true }], at: 5));
        Commit(run.Next([run.Row(FactKind.Claimed)], [new RunChange { Status = RunStatus.Running, Owner = Me, Starts = true }], at: 9));
        Assert.Equal(Chain.Noon.AddSeconds(5), (await Run("r")).StartedAt);
    }

    [Fact]
    [Trait("Scenario", "W-02")]
    public async Task end_sets_result_and_completion_with_the_terminal_row()
    {
        var run = Started("r");
        var error = """{"type":"T","message":"m","code":"GRN1301"}"""u8.ToArray();
        Commit(run.Next([run.Row(FactKind.Failed)], [new RunChange { Status = RunStatus.Failed, Result = new RunResult(null, error) }], at: 7));

        var row = await Run("r");
        Assert.Equal((RunStatus.Failed, null, Chain.Noon.AddSeconds(7)), (row.Status, row.Owner, row.CompletedAt));
        Assert.Null(row.Output);
        Assert.Equal(error, row.Error);
        Assert.Equal("GRN1301", Value("select error_code from granary_runs_v"));
    }

    [Fact]
    public async Task reason_why_a_run_waits_is_cleared_by_the_next_change()
    {
        var run = Started("r");
        var why = """{"type":"T","message":"m","code":"GRN1203"}"""u8.ToArray();
        Commit(run.Next([run.Row(FactKind.Parked)], [new RunChange { Status = RunStatus.Waiting, WaitingOn = "version", Error = why }]));
        Assert.Equal(why, (await Run("r")).Error);
        Assert.Equal("GRN1203", Value("select error_code from granary_runs_v"));

        Commit(run.Next([run.Row(FactKind.Claimed)], [new RunChange { Status = RunStatus.Running, Owner = Me }]));
        Assert.Null((await Run("r")).Error);
    }

    [Fact]
    public async Task refused_rows_change_nothing_of_the_run()
    {
        var old = Started("r");
        var claim = old.Twin(epoch: 2);
        Commit(claim.Next([claim.Row(FactKind.Claimed)], [new RunChange { Status = RunStatus.Running, Owner = "silo-2:200" }]));

        // A late park must not take the run from its new owner.
        var outcome = Write(old.Next([old.Row(FactKind.Parked)], [new RunChange { Status = RunStatus.Waiting, WaitingOn = "signal", RecoveryAttempts = 1 }]));
        Assert.Equal(UnitResult.Fenced, outcome.Result);
        var row = await Run("r");
        Assert.Equal((RunStatus.Running, "silo-2:200", 0), (row.Status, row.Owner, row.RecoveryAttempts));
    }

    [Fact]
    public void rows_without_a_run_are_rejected_with_their_changes()
    {
        var run = Started("r");
        Sql("delete from granary_runs where key = 1");
        var outcome = Write(run.Unit([run.Step("a1")], [new RunChange { Status = RunStatus.Running, Owner = Me }]));
        Assert.Equal(UnitResult.Rejected, outcome.Result);
        Assert.Equal([1], Numbers(1));
    }

    [Fact]
    public async Task committed_runs_are_there_after_the_store_was_opened_again()
    {
        var run = Started("r");
        Commit(run.Next([run.Step("a1")], [new RunChange { Status = RunStatus.Running, Owner = Me, RecoveryAttempts = 2 }]));
        await ReopenAsync();

        Assert.Equal(2, (await Run("r")).RecoveryAttempts);
        Commit(run.Next(run.Step("a2")));
        Assert.Equal([1, 2, 3], Numbers(1));
    }

    private protected async Task<RunRow> Run(string id) =>
        await Store.FindRunAsync(id, TestContext.Current.CancellationToken) ?? throw new InvalidOperationException($"There is no run {id}.");
}
