using Xunit;

namespace Granary.Tests.Hosting;

/// <summary>The journal's invariants as SQL; each must find nothing.</summary>
internal static class Invariants
{
    private const string Dense = "select run_key from granary_journal_v group by run_key having min(seq) <> 1 or max(seq) <> count(*)";

    private const string Fenced = """
        select j.run_key, j.seq from granary_journal_v j
        join granary_journal_v c on c.run_key = j.run_key and c.kind = 'Claimed' and j.seq > c.seq and j.epoch < c.epoch
        """;

    private const string OneEnd = """
        select run_key from granary_journal_v where kind in ('Succeeded', 'Failed', 'Cancelled', 'Poisoned')
        group by run_key, epoch having count(*) > 1
        """;

    public static void AssertHold(string path) => Assert.Empty(Broken(path));

    /// <summary>What they find, in words.</summary>
    public static IReadOnlyList<string> Broken(string path) =>
    [
        .. TestData.Query(path, Dense).Select(r => $"DENSE: journal {r[0]}"),
        .. TestData.Query(path, Fenced).Select(r => $"FENCED: journal {r[0]}, row {r[1]}"),
        .. TestData.Query(path, OneEnd).Select(r => $"ONE END: journal {r[0]}"),
    ];
}
