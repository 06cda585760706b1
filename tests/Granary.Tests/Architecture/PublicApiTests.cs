using System.Reflection;
using Xunit;

namespace Granary.Tests.Architecture;

/// <summary>Everything that users can compile against stands in an approved text: a change shows in a diff.</summary>
public sealed class PublicApiTests
{
    public static TheoryData<string> Packages => ["Granary.Abstractions", "Granary.Agents", "Granary.Client", "Granary.Grains", "Granary.Silo"];

    [Theory]
    [MemberData(nameof(Packages))]
    public void the_public_surface_is_the_approved_one(string package)
    {
        var path = Path.Combine(Repository.Root, "tests", "Granary.Tests", "Architecture", "Approved", package + ".txt");
        var found = PublicApiText.Of(Assembly.Load(package));
        if (Environment.GetEnvironmentVariable("GRANARY_APPROVE") == "1")
            File.WriteAllLines(path, found);

        var approved = File.Exists(path) ? File.ReadAllLines(path) : [];
        if (found.SequenceEqual(approved))
            return;
        var difference = approved.Except(found).Select(l => "- " + l).Concat(found.Except(approved).Select(l => "+ " + l));
        Assert.Fail($"""
            The public surface of {package} is not the approved one:
            {string.Join('\n', difference.DefaultIfEmpty("(only the order of lines differs)"))}

            Where this is meant, approve it and commit the changed text:
              GRANARY_APPROVE=1 ./test -- --filter-class "*PublicApiTests"
            """);
    }
}
