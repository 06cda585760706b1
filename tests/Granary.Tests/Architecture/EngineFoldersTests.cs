using System.Text.RegularExpressions;
using Xunit;

namespace Granary.Tests.Architecture;

/// <summary>What a folder of the engine may use of the others; the table of docs/architecture.md says why.</summary>
public sealed partial class EngineFoldersTests
{
    private static readonly string _engine = Path.Combine(Repository.Root, "src", "Grains");

    /// <summary>Nobody may use a store: the engine sees it through IJournalStore.</summary>
    private static readonly Dictionary<string, string[]> _allowed = new()
    {
        [""] = [],
        ["Journal"] = [],
        ["Journal.Postgres"] = ["Journal"],
        ["Journal.Sqlite"] = ["Journal"],
        ["Runs"] = ["Journal", "Activities", "Approvals", "Signals"],
        ["Approvals"] = ["Journal", "Runs"],
        ["Activities"] = ["Journal", "Runs"],
        ["Signals"] = ["Journal", "Runs"],
        ["Keepers"] = ["Journal", "Runs"],
        ["Registration"] = ["Journal", "Runs", "Activities", "Keepers"],
    };

    public static TheoryData<string> Folders => [.. Directory.EnumerateFiles(_engine, "*.cs", SearchOption.AllDirectories).Select(FolderOf).Distinct().Order()];

    [Fact]
    public void every_folder_has_its_rule() => Assert.Equal(_allowed.Keys.Order(), Folders.Select(f => f.Data).Order());

    [Theory]
    [MemberData(nameof(Folders))]
    public void a_folder_of_the_engine_uses_only_what_the_architecture_allows(string folder)
    {
        foreach (var file in FilesOf(folder))
        {
            var source = WithoutComments().Replace(File.ReadAllText(file), "");
            foreach (var used in Used().Matches(source).Select(m => m.Groups[1].Value).Where(u => u != folder).Distinct())
                Assert.True(_allowed[folder].Contains(used), $"{Path.GetRelativePath(Repository.Root, file)} uses Granary.{used}, which {(folder.Length == 0 ? "the engine's root" : folder)} must not.");
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void a_namespace_is_named_after_its_folder(string folder)
    {
        var expected = folder is "" or "Registration" ? "namespace Granary;" : $"namespace Granary.{folder};";
        Assert.All(FilesOf(folder), file => Assert.True(File.ReadLines(file).Contains(expected), $"{Path.GetRelativePath(Repository.Root, file)} lacks '{expected}'."));
    }

    private static IEnumerable<string> FilesOf(string folder) =>
        Directory.EnumerateFiles(_engine, "*.cs", SearchOption.AllDirectories).Where(file => FolderOf(file) == folder);

    private static string FolderOf(string file) => (Path.GetDirectoryName(Path.GetRelativePath(_engine, file)) ?? "").Replace(Path.DirectorySeparatorChar, '.');

    [GeneratedRegex(@"//.*$", RegexOptions.Multiline)]
    private static partial Regex WithoutComments();

    /// <summary>Usings and names that are written with their namespace.</summary>
    [GeneratedRegex(@"\bGranary\.(Journal\.Postgres|Journal\.Sqlite|Journal|Runs|Activities|Approvals|Signals|Keepers)\b")]
    private static partial Regex Used();
}
