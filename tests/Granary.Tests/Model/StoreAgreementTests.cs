using CsCheck;
using Granary.Journal;
using Granary.Journal.Sqlite;
using Granary.Tests.Crashes;
using Granary.Tests.Journal.Sqlite;
using Xunit;

namespace Granary.Tests.Model;

/// <summary>The model's table judges every unit as a real store does, and ends with the same rows.</summary>
[Trait("Speed", "Slow")]
public sealed class StoreAgreementTests : IAsyncLifetime
{
    // What the stores have no tables for yet is left out: children, generations, retention.
    private static readonly Gen<Case> _cases = Case.Gen.Select(c => new Case(
        [.. c.Scripts.Select(s => new Script([[.. s.Generations[0].Select(op => op == Op.Child ? Op.Step : op)]]))],
        [.. c.Acts.Where(a => a.Move != Move.Purge)]));

    private readonly SqliteFile _file = new();
    private SqliteJournalStore? _store;

    public async ValueTask InitializeAsync() => _store = await SqliteJournalStore.OpenAsync(_file.Path, "S0:1");

    public async ValueTask DisposeAsync()
    {
        await _store!.DisposeAsync();
        _file.Dispose();
    }

    [Fact]
    public void table_and_store_give_the_same_answers_and_keep_the_same_rows()
    {
        var (units, results) = (0, new Dictionary<UnitResult, int>());
        _cases.Sample(
            c =>
            {
                _file.Sql("delete from granary_journal; delete from granary_runs");
                List<AppendUnit> kept = [];
                var verdict = Cluster.Play(c, RuleSet.All, written: (unit, expected) =>
                {
                    Assert.Equal(expected, Assert.Single(_store!.Write([unit])).Result);
                    if (expected == UnitResult.Committed)
                        kept.Add(unit);
                    units++;
                    results[expected] = results.GetValueOrDefault(expected) + 1;
                });
                Assert.Null(verdict.Broken);
                Assert.Equal(
                    kept.SelectMany(u => u.Rows, (u, row) => (u.RunKey, row.Seq, row.AppendId, (long)row.Epoch, row.Kind)).Distinct().Order(),
                    _file.Sql("select run_key, seq, append_id, epoch, kind from granary_journal").Select(r => ((long)r[0]!, (long)r[1]!, (long)r[2]!, (long)r[3]!, (string)r[4]!)).Order());
            },
            iter: Load.IsLong ? 500 : 50, threads: 1, print: c => Interleaving.Tell(c, RuleSet.All));
        Load.Report($"{units} units: {string.Join(", ", results.Select(r => $"{r.Key} {r.Value}"))}");
        Assert.Superset(new HashSet<UnitResult> { UnitResult.Committed, UnitResult.Fenced }, results.Keys.ToHashSet());
    }
}
