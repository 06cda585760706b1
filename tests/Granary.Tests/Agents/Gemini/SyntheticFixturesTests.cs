using Xunit;

namespace Granary.Tests.Agents.Gemini;

public sealed class SyntheticFixturesTests
{
    [Fact]
    public void every_hand_made_answer_says_that_it_is_one_and_why()
    {
        var fixtures = Directory.EnumerateFiles(SyntheticFixture.Folder, "*.json").Select(file => SyntheticFixture.Load(Path.GetFileNameWithoutExtension(file))).ToList();

        Assert.NotEmpty(fixtures);
        Assert.All(fixtures, fixture => Assert.StartsWith("No recording ", Reason(fixture), StringComparison.Ordinal));

        static string Reason(System.Text.Json.Nodes.JsonNode fixture) => fixture["why"]!.GetValue<string>();
    }
}
