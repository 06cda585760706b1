using System.Xml.Linq;
using Xunit;

namespace Granary.Tests.Architecture;

/// <summary>Dependencies point one way; docs/architecture.md shows the picture that this pins.</summary>
public sealed class ProjectReferencesTests
{
    private static readonly Dictionary<string, string[]> _allowed = new()
    {
        ["Granary.Abstractions"] = [],
        ["Granary.Agents"] = ["Granary.Abstractions"],
        ["Granary.Client"] = ["Granary.Abstractions"],
        ["Granary.Grains"] = ["Granary.Abstractions"],
        ["Granary.Silo"] = ["Granary.Agents", "Granary.Client", "Granary.Grains"],
    };

    [Fact]
    public void a_project_references_only_what_the_architecture_allows()
    {
        var found = new Dictionary<string, string[]>();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            var references = XDocument.Load(file).Descendants("ProjectReference")
                .Select(e => Path.GetFileNameWithoutExtension(e.Attribute("Include")!.Value)).Order().ToArray();
            found[Path.GetFileNameWithoutExtension(file)] = references;
        }

        Assert.Equal(_allowed.Keys.Order(), found.Keys.Order());
        Assert.All(_allowed, pair => Assert.Equal(pair.Value, found[pair.Key]));
    }
}
