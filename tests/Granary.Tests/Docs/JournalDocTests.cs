using System.Text.RegularExpressions;
using Granary.Journal;
using Granary.Tests.Journal;
using Xunit;

namespace Granary.Tests.Docs;

/// <summary><c>docs/journal.md</c> says what the product has.</summary>
public sealed partial class JournalDocTests
{
    private static string Doc => File.ReadAllText(Path.Combine(Repository.Root, "docs", "journal.md"));

    [Fact]
    public void the_invariants_of_the_document_are_those_that_are_tested()
    {
        var doc = Space().Replace(Doc, " ");
        Assert.All(JournalInvariants.All, invariant =>
        {
            Assert.Contains($"-- {invariant.Name}:", doc);
            Assert.Contains(Space().Replace(invariant.Sql.Trim(), " ") + ";", doc);
        });
    }

    [Fact]
    public void every_kind_of_fact_is_in_the_document()
    {
        var kinds = typeof(FactKind).GetFields().Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!);
        Assert.All(kinds, kind => Assert.Contains($"`{kind}`", Doc));
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
