using System.Text.RegularExpressions;
using Xunit;

namespace Granary.Tests.Docs;

/// <summary>What the README shows is what the repository has.</summary>
public sealed partial class ReadmeTests
{
    private static string Readme => File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    [Fact]
    public void the_program_in_the_readme_is_the_compiled_sample()
    {
        var snippets = Snippet().Matches(Readme);
        Assert.NotEmpty(snippets);
        Assert.All(snippets, match => Assert.Equal(
            File.ReadAllText(Path.Combine(Repository.Root, match.Groups["file"].Value)).TrimEnd(), match.Groups["code"].Value.TrimEnd()));
    }

    [Fact]
    public void links_of_the_documentation_lead_somewhere()
    {
        var files = Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Append(Path.Combine(Repository.Root, "README.md")).Append(Path.Combine(Repository.Root, "CONTRIBUTING.md"));
        var broken = from file in files
                     from Match link in Link().Matches(File.ReadAllText(file))
                     let target = link.Groups[1].Value.Split('#')[0]
                     where target.Length > 0 && !target.Contains("://", StringComparison.Ordinal)
                     let path = Path.Combine(Path.GetDirectoryName(file)!, target)
                     where !File.Exists(path) && !Directory.Exists(path)
                     select $"{Path.GetFileName(file)}: {target}";
        Assert.Empty(broken);
    }

    [Fact]
    public void every_error_code_of_the_sources_is_listed()
    {
        var listed = Code().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "errors.md"))).Select(m => m.Value).ToHashSet();
        var used = from folder in (string[])["src", "samples"]
                   from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories)
                   from Match code in Code().Matches(File.ReadAllText(file))
                   select code.Value;
        Assert.Empty(used.Distinct().Except(listed).Except(["GRN1234"]).Order());
    }

    [GeneratedRegex(@"<!-- snippet:(?<file>\S+) -->\n```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Snippet();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"GRN\d{4}")]
    private static partial Regex Code();
}
