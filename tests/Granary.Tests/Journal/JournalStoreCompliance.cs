using CsCheck;
using Granary.Journal;
using Xunit;

namespace Granary.Tests.Journal;

/// <summary>
/// What every store must do. A store's own test class derives from this one; the classes below it hold the parts.
/// Here: whatever activations send in whatever order, the journal keeps its invariants.
/// </summary>
public abstract class JournalStoreCompliance : SideCompliance
{
    private const int Runs = 3;

    private long _nextKey;

    [Fact]
    public void random_valid_and_stale_appends_keep_the_invariants()
    {
        var step = Gen.Select(Gen.Int[0, Runs - 1], Gen.Int[0, 2], Gen.Enum<Move>(), Gen.Int[1, 3]);
        step.Array[1, 4].Array[1, 20].Sample(Play, iter: 60, threads: 1);
        AssertInvariants();
    }

    /// <summary>The statements of <c>docs/journal.md</c>: each finds nothing.</summary>
    private protected void AssertInvariants()
    {
        foreach (var (name, sql) in JournalInvariants.All)
            Assert.True(Sql(sql) is [], $"{name} is broken.");
    }

    /// <summary>Plays batches against the store and against a list of rows, and compares.</summary>
    private void Play((int Run, int Activation, Move Move, int Rows)[][] batches)
    {
        var runs = Enumerable.Range(0, Runs).Select(_ => new ModelRun(++_nextKey)).ToArray();
        var sent = new List<(ModelRun Run, AppendUnit Unit)>();
        foreach (var batch in batches)
        {
            if (!batch.Any(move => move.Move == Move.SendAgain))
                sent = [.. batch.DistinctBy(move => move.Run).Select(move => (runs[move.Run], runs[move.Run].Make(move.Activation, move.Move, move.Rows)))];
            var outcomes = Store.Write([.. sent.Select(s => s.Unit)]);
            for (var i = 0; i < sent.Count; i++)
                Assert.Equal(sent[i].Run.Expect(sent[i].Unit), outcomes[i].Result);
        }

        foreach (var run in runs)
        {
            Assert.Equal(
                run.Rows.Select(r => (r.Seq, r.AppendId)),
                Sql($"select seq, append_id from granary_journal where run_key = {run.Key} order by seq").Select(r => ((long)r[0]!, (long)r[1]!)));
        }
    }

    private enum Move
    {
        Append,
        Claim,
        End,
        Start,
        SendAgain,
    }

    /// <summary>A run as a list of rows, and three activations of it that each know their own end of the chain.</summary>
    private sealed class ModelRun(long key)
    {
        private readonly Chain[] _activations = [new(key), new(key), new(key)];

        private readonly HashSet<Chain> _ended = [];

        public long Key => key;

        public List<JournalRow> Rows { get; } = [];

        public AppendUnit Make(int activation, Move move, int rows)
        {
            if (Rows.Count == 0 || move == Move.Start)
                return (_activations[activation] = new Chain(key)).Start($"run-{key}");
            var chain = _activations[activation];
            switch (move)
            {
                // One that has sent an end sends nothing more, so all it can do is resume, under a claim.
                case Move.Claim:
                case Move.Append or Move.End when _ended.Contains(chain):
                    // Reads the head first, as a claim does; all others go by what they knew.
                    chain = _activations[activation] = Chain.At(key, Rows[^1].Seq, Rows[^1].AppendId, Rows[^1].Epoch + 1);
                    return chain.Next([chain.Row(FactKind.Claimed, name: "silo")], [new RunChange { Status = RunStatus.Running, Owner = "silo", Starts = true }]);
                case Move.End:
                    _ended.Add(chain);
                    return chain.Next([chain.Row(FactKind.Succeeded)], [new RunChange { Status = RunStatus.Succeeded, Result = new RunResult(null, null) }]);
                default:
                    return chain.Next([.. Enumerable.Range(0, rows).Select(i => chain.Step($"b{chain.Seq + i:D2}"))]);
            }
        }

        /// <summary>What the chain rule says, and moves the list.</summary>
        public UnitResult Expect(AppendUnit unit)
        {
            var first = unit.Rows[0];
            if (Rows.Any(r => r.AppendId == first.AppendId))
                return UnitResult.Committed;
            if (unit.NewRun is not null && Rows.Count > 0)
                return UnitResult.IdTaken;
            if (Rows.Count != unit.PreviousSeq || (Rows.Count > 0 && Rows[^1].AppendId != unit.PreviousAppendId))
                return UnitResult.Fenced;
            Rows.AddRange(unit.Rows);
            return UnitResult.Committed;
        }
    }
}
