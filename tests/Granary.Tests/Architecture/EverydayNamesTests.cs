using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Xunit;

namespace Granary.Tests.Architecture;

/// <summary>Users import Granary beside these namespaces: no name may then be ambiguous.</summary>
public sealed class EverydayNamesTests
{
    private static readonly HashSet<string> _everyday =
    [
        "System", "System.Collections", "System.Collections.Concurrent", "System.Collections.Generic", "System.ComponentModel",
        "System.ComponentModel.DataAnnotations", "System.Diagnostics", "System.Globalization", "System.IO", "System.Linq", "System.Net", "System.Net.Http",
        "System.Numerics", "System.Reflection", "System.Text", "System.Text.Json", "System.Threading", "System.Threading.Channels", "System.Threading.Tasks",
        "Microsoft.Extensions.AI", "Microsoft.Extensions.Configuration", "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting",
        "Microsoft.Extensions.Logging", "Microsoft.Extensions.Options", "Orleans", "Orleans.Concurrency", "Orleans.Hosting", "Orleans.Runtime",
    ];

    [Fact]
    public void no_public_type_has_the_name_of_an_everyday_one()
    {
        var everyday = Libraries().SelectMany(PublicNames).Where(n => _everyday.Contains(n.Namespace)).ToLookup(n => n.Name, n => n.Namespace);
        Assert.True(everyday.Contains("Task") && everyday.Contains("IChatClient") && everyday.Contains("Grain"), "The libraries weren't found.");

        var collisions = PublicApiTests.Packages.SelectMany(p => Assembly.Load(p.Data).GetExportedTypes())
            .Where(t => t.Namespace == "Granary" && everyday.Contains(t.Name))
            .Select(t => $"{t.Name}: {string.Join(", ", everyday[t.Name])}");

        Assert.Empty(collisions);
    }

    private static IEnumerable<string> Libraries() => new[] { Path.GetDirectoryName(typeof(object).Assembly.Location)!, AppContext.BaseDirectory }
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*.dll"))
        .Where(file => !Path.GetFileName(file).StartsWith("Granary.", StringComparison.Ordinal));

    private static List<(string Namespace, string Name)> PublicNames(string file)
    {
        using var image = new PEReader(File.OpenRead(file));
        if (!image.HasMetadata)
            return [];
        var metadata = image.GetMetadataReader();
        return [.. metadata.TypeDefinitions.Select(metadata.GetTypeDefinition)
            .Where(t => (t.Attributes & TypeAttributes.VisibilityMask) == TypeAttributes.Public)
            .Select(t => (metadata.GetString(t.Namespace), metadata.GetString(t.Name)))];
    }
}
