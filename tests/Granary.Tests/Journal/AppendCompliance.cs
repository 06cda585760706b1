using Granary.Journal;
using Xunit;

namespace Granary.Tests.Journal;

/// <summary>The chain: what an append may follow, and what is refused.</summary>
public abstract class AppendCompliance : StoreFixture
{
    [Fact]
    public void rows_are_numbered_from_one_and_linked()
    {
        var run = Started("r");
        Commit(run.Next(run.Step("a1"), run.Step("a2")));
        Commit(run.Next(run.Step("a3")));
        Assert.Equal([1, 2, 3, 4], Numbers(1));
    }

    [Fact]
    public void append_after_a_wrong_predecessor_is_refused_though_its_number_is_free()
    {
        // The old owner has queued 2 and 3; the new one claims at 2. The old owner's 3 meets a free number.
        var old = Started("r");
        var claim = old.Twin(epoch: 2);
        _ = old.Next(old.Step("a1"));
        var behind = old.Next(old.Step("a2"));
        Commit(claim.Next(claim.Row(FactKind.Claimed, name: "silo-2:200")));

        Assert.Equal(UnitResult.Fenced, Write(behind).Result);
        Assert.Equal([1, 2], Numbers(1));
    }

    [Fact]
    public void append_at_a_taken_number_is_refused()
    {
        var old = Started("r");
        var claim = old.Twin(epoch: 2);
        Commit(claim.Next(claim.Row(FactKind.Claimed, name: "silo-2:200")));

        Assert.Equal(UnitResult.Fenced, Write(old.Next(old.Step("a1"), old.Step("a2"))).Result);
        Assert.Equal("Claimed", Value("select kind from granary_journal where run_key = 1 and seq = 2"));
        Assert.Equal([1, 2], Numbers(1));
    }

    [Fact]
    public void append_after_the_run_was_deleted_is_refused()
    {
        var zombie = Started("r");
        Commit(zombie.Next(zombie.Step("a1")));
        Sql("delete from granary_journal where run_key = 1; delete from granary_runs where key = 1");

        Assert.Equal(UnitResult.Fenced, Write(zombie.Next(zombie.Step("a2"))).Result);
        Assert.Empty(Numbers(1));
    }

    [Fact]
    public void append_over_a_gap_is_refused()
    {
        // A promoted replica has lost rows 2 and 3.
        var run = Started("r");
        Commit(run.Next(run.Step("a1"), run.Step("a2")));
        Sql("delete from granary_journal where run_key = 1 and seq >= 2");

        Assert.Equal(UnitResult.Fenced, Write(run.Next(run.Step("a3"))).Result);
        Assert.Equal([1], Numbers(1));
    }

    [Fact]
    public void number_one_is_refused_to_a_key_that_has_any_row()
    {
        var run = Started("r");
        Commit(run.Next(run.Step("a1")));
        Assert.Equal(UnitResult.Fenced, Write(new Chain(1).Unit(run.Row(FactKind.Started))).Result);

        // Not even when number 1 itself is free.
        Sql("delete from granary_journal where run_key = 1 and seq = 1");
        Assert.Equal(UnitResult.Fenced, Write(new Chain(1).Unit(run.Row(FactKind.Started))).Result);
        Assert.Equal([2], Numbers(1));
    }

    [Fact]
    public void two_appends_of_one_run_are_refused_as_a_whole_and_other_runs_are_kept()
    {
        var old = Started("fenced");
        var free = Started("free", key: 2);
        var claim = old.Twin(epoch: 2);
        Commit(claim.Next(claim.Row(FactKind.Claimed)));

        // Two appends, two ids, one unit.
        var unit = old.Unit(old.Step("a1"), old.Step("a2"));
        unit.Rows[1].AppendId++;
        var outcomes = Store.Write([unit, free.Next(free.Step("a1")), new Chain(3).Start("new")]);

        Assert.Equal([UnitResult.Fenced, UnitResult.Committed, UnitResult.Committed], outcomes.Select(o => o.Result));
        Assert.Equal([1, 2], Numbers(1));
        Assert.Equal([1, 2], Numbers(2));
        Assert.Equal([1], Numbers(3));
    }

    [Fact]
    public void unit_whose_later_row_is_taken_keeps_nothing()
    {
        var run = Started("r");
        Sql("""
            insert into granary_journal (run_key, seq, epoch, append_id, kind, attempt, committed_at)
            select run_key, 3, 9, 9, 'StepSucceeded', 0, committed_at from granary_journal where seq = 1
            """);

        Assert.Equal(UnitResult.Fenced, Write(run.Next(run.Step("a1"), run.Step("a2"))).Result);
        Assert.Equal([1, 3], Numbers(1));
    }

    [Fact]
    public void batch_sent_again_after_its_commit_is_recognised_and_nothing_is_doubled()
    {
        var run = Started("r");
        AppendUnit[] batch =
        [
            run.Next([run.Step("a1"), run.Step("a2")], [new RunChange { Status = RunStatus.Running, Owner = Me, RecoveryAttempts = 1 }]),
            new Chain(2).Start("new"),
        ];
        Store.Write(batch);

        Assert.Equal([UnitResult.Committed, UnitResult.Committed], Store.Write(batch).Select(o => o.Result));
        Assert.Equal([1, 2, 3], Numbers(1));
        Assert.Equal([1], Numbers(2));
        Assert.Equal(1L, Value("select recovery_attempts from granary_runs where key = 1"));
    }

    [Fact]
    public void batch_sent_again_after_others_went_on_is_still_recognised()
    {
        var run = Started("r");
        var batch = new[] { run.Next(run.Step("a1")) };
        Store.Write(batch);
        var claim = run.Twin(epoch: 2);
        Commit(claim.Next(claim.Row(FactKind.Claimed)));

        Assert.Equal(UnitResult.Committed, Assert.Single(Store.Write(batch)).Result);
        Assert.Equal([1, 2, 3], Numbers(1));
    }

    [Fact]
    [Trait("Scenario", "I-01")]
    public void second_start_of_an_id_is_told_that_the_id_is_taken_and_leaves_no_row()
    {
        Started("r");
        Assert.Equal(UnitResult.IdTaken, Write(new Chain(2).Start("r")).Result);
        Assert.Empty(Numbers(2));
        Assert.Equal(1L, Value("select count(*) from granary_runs"));
    }

    [Fact]
    public void two_starts_of_an_id_in_one_batch_make_one_run()
    {
        var outcomes = Store.Write([new Chain(1).Start("r"), new Chain(2).Start("r")]);
        Assert.Equal([UnitResult.Committed, UnitResult.IdTaken], outcomes.Select(o => o.Result));
        Assert.Equal(1L, Value("select count(*) from granary_journal"));
    }

    [Fact]
    public void start_under_a_taken_key_is_told_so_and_goes_through_under_another()
    {
        Started("first", key: 7);
        Assert.Equal(UnitResult.KeyTaken, Write(new Chain(7).Start("second")).Result);
        Assert.Equal(UnitResult.Committed, Write(new Chain(8).Start("second")).Result);
        Assert.Equal([1], Numbers(7));
        Assert.Equal("first", Value("select id from granary_runs where key = 7"));
    }

    [Theory]
    [InlineData(0xD800)]
    [InlineData(0)]
    public void text_that_cannot_be_stored_fails_its_own_unit_only(int badCharacter)
    {
        var text = $"half a pair, or a NUL: {(char)badCharacter} inside";
        var run = Started("r");
        var bad = run.Unit([run.Row(FactKind.StepSucceeded, step: "a1", name: text)], [new RunChange { Status = RunStatus.Waiting }]);
        var outcomes = Store.Write([bad, new Chain(2).Start("new")]);

        Assert.Equal([UnitResult.Rejected, UnitResult.Committed], outcomes.Select(o => o.Result));
        Assert.NotNull(outcomes[0].Error);
        Assert.Equal("running", Value("select status from granary_runs where key = 1"));
        Commit(run.Next(run.Step("a1")));
        Assert.Equal([1, 2], Numbers(1));
    }

    [Fact]
    public void unit_whose_second_row_is_bad_keeps_nothing_of_the_first()
    {
        var run = Started("r");
        Assert.Equal(UnitResult.Rejected, Write(run.Unit(run.Step("a1"), run.Row(FactKind.StepSucceeded, name: "\0"))).Result);
        Assert.Equal([1], Numbers(1));
    }

    [Fact]
    public void change_without_a_row_is_rejected()
    {
        var run = Started("r");
        var outcome = Write(run.Unit([run.Step("a1")], []) is var unit
            ? new AppendUnit { RunKey = 1, PreviousSeq = unit.PreviousSeq, PreviousAppendId = unit.PreviousAppendId, Rows = [], Changes = [new RunChange { Status = RunStatus.Failed }] }
            : throw new InvalidOperationException());
        Assert.Equal(UnitResult.Rejected, outcome.Result);
        Assert.Equal("running", Value("select status from granary_runs where key = 1"));
    }
}
