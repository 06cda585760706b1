using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Granary.Tests.Agents.Gemini;

/// <summary>One recorded exchange with the real service.</summary>
internal sealed class Recording
{
    private static readonly JsonSerializerOptions _plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly JsonNode _response;

    private Recording(JsonNode interaction)
    {
        _response = interaction["response"]!;
        Target = interaction["request"]!["url"]!.GetValue<string>();
        Request = interaction["request"]!["bodySegments"]![0]!;
        Segments = [.. _response["bodySegments"]!.AsArray().Select(segment => segment!)];
    }

    /// <summary>The folder of the recordings; they are no part of the repository.</summary>
    public static string Folder { get; } =
        Environment.GetEnvironmentVariable("GRANARY_GEMINI_RECORDINGS") is { Length: > 0 } folder
            ? folder
            : Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", "gemini"));

    public string Target { get; }

    public JsonNode Request { get; }

    public IReadOnlyList<JsonNode> Segments { get; }

    public int Status => _response["statusCode"]!.GetValue<int>();

    public bool IsStream => Target.Contains(":streamGenerateContent", StringComparison.Ordinal);

    public bool IsVertex => Target.Contains("/publishers/", StringComparison.Ordinal);

    /// <summary>The model that was asked, out of the address.</summary>
    public string Model => Target[(Target.LastIndexOf('/') + 1)..Target.LastIndexOf(':')];

    /// <summary>The last part of the address: the model and the method.</summary>
    public string ModelAndMethod => Target[(Target.LastIndexOf('/') + 1)..];

    /// <summary>All text parts of the answer.</summary>
    public string Text => string.Concat(Segments.Select(segment => segment["candidates"]?[0]?["content"]?["parts"]?.AsArray() ?? [])
        .SelectMany(parts => parts.Select(part => part!["text"]?.GetValue<string>())));

    public static Recording Load(string name)
    {
        var interactions = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, name + ".json")))!["interactions"]!.AsArray();
        Assert.Single(interactions);
        return new(interactions[0]!);
    }

    /// <summary>Skips the running test when there are no recordings.</summary>
    public static void SkipWithoutFolder() => Assert.SkipUnless(
        Directory.Exists(Folder), "The recorded Gemini traffic is not there; GRANARY_GEMINI_RECORDINGS names its folder.");

    /// <summary>The answer as the service sent it: the objects of a stream as events, an error as it is even under the stream's type.</summary>
    public LoopbackReply ToReply()
    {
        var isEvents = IsStream && Status == 200;
        var texts = Segments.Select(segment => segment.ToJsonString(_plain)).Select(json => isEvents ? $"data: {json}\r\n\r\n" : json);
        var reply = isEvents ? LoopbackReply.Events([.. texts]) : LoopbackReply.Json(Status, [.. texts]);
        return reply with { ContentType = _response["headers"]!["Content-Type"]!.GetValue<string>() };
    }
}
