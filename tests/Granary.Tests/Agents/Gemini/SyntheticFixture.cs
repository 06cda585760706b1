using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>A hand-made exchange for what no recording shows. It proves our reading of the documentation, not the service.</summary>
internal static class SyntheticFixture
{
    private static readonly JsonSerializerOptions _plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Folder { get; } = Path.Combine(Repository.Root, "tests", "Granary.Tests", "Agents", "Gemini", "Synthetic");

    public static JsonNode Load(string name)
    {
        var fixture = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, name + ".json")))!;
        Assert.True(fixture["synthetic"]!.GetValue<bool>());
        return fixture;
    }

    public static LoopbackReply Reply(string name)
    {
        var fixture = Load(name);
        var isStream = fixture["isStream"]?.GetValue<bool>() is true;
        var texts = fixture["raw"] is JsonArray raw
            ? raw.Select(text => text!.GetValue<string>())
            : fixture["segments"]!.AsArray().Select(segment => segment!.ToJsonString(_plain)).Select(json => isStream ? $"data: {json}\r\n\r\n" : json);
        return new(
            fixture["status"]!.GetValue<int>(),
            fixture["contentType"]?.GetValue<string>() ?? (isStream ? "text/event-stream" : "application/json"),
            [.. texts.Select(Encoding.UTF8.GetBytes)])
        {
            Headers = (fixture["headers"]?.AsObject() ?? []).ToDictionary(header => header.Key, header => header.Value!.GetValue<string>()),
        };
    }
}
