using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>Reads an answer, whole or chunk by chunk, and keeps what belongs to the answer as a whole.</summary>
/// <param name="request">What was asked.</param>
internal sealed class GeminiReply(GeminiRequest request)
{
    private static readonly string[] _keptOfCandidate =
        ["safetyRatings", "citationMetadata", "groundingMetadata", "urlContextMetadata", "finishMessage", "avgLogprobs", "logprobsResult"];

    private readonly GeminiUsage _usage = new();
    private string? _finish;
    private bool _hasCandidate;
    private int _calls;
    private int _calledWithoutId;

    public string? ResponseId { get; private set; }

    public string? ModelId { get; private set; }

    public DateTimeOffset? CreatedAt { get; private set; }

    public UsageDetails? Usage => _usage.ToDetails();

    public ChatFinishReason? FinishReason => _finish is null ? null : GeminiFinish.Map(_finish, hasCalls: _calls > 0);

    /// <summary>What Gemini said beside the contents, under Gemini's names and as JSON.</summary>
    public AdditionalPropertiesDictionary? Properties { get; private set; }

    /// <summary>The contents of one response object. Only its first candidate is read.</summary>
    /// <exception cref="ModelException">The prompt was blocked, the model wrote an unusable call, or the object is no response.</exception>
    public List<AIContent> Read(JsonElement response, bool annotate)
    {
        try
        {
            return ReadFields(response, annotate);
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            throw GeminiErrors.Unreadable("its fields are not those of a response", e);
        }
    }

    /// <summary>Checks that there was an answer and, for a stream, that it came to an end.</summary>
    /// <exception cref="ModelException">It has no candidate or broke off.</exception>
    public void Complete(bool isStream)
    {
        if (!_hasCandidate)
            throw GeminiErrors.Unreadable("it has no candidate");
        if (isStream && _finish is null)
            throw GeminiErrors.Unreadable("the stream ended without a finish reason, so that the answer is not complete");
    }

    private List<AIContent> ReadFields(JsonElement response, bool annotate)
    {
        ResponseId = Text(response, "responseId") ?? ResponseId;
        ModelId = Text(response, "modelVersion") ?? ModelId;
        CreatedAt ??= response.TryGetProperty("createTime", out var created) ? created.GetDateTimeOffset() : null;
        if (response.TryGetProperty("usageMetadata", out var usage))
            _usage.Read(usage);
        if (response.TryGetProperty("promptFeedback", out var feedback))
        {
            Keep("promptFeedback", feedback);
            if (Text(feedback, "blockReason") is { } blocked)
                throw GeminiErrors.BlockedPrompt(blocked);
        }

        if (!response.TryGetProperty("candidates", out var candidates) || candidates.GetArrayLength() == 0)
            return [];
        _hasCandidate = true;
        var candidate = candidates[0];
        if (Text(candidate, "finishReason") is { } finish and not "FINISH_REASON_UNSPECIFIED")
            Finish(finish);
        foreach (var name in _keptOfCandidate)
            if (candidate.TryGetProperty(name, out var kept))
                Keep(name, kept);
        return ReadParts(candidate, annotate);
    }

    private List<AIContent> ReadParts(JsonElement candidate, bool annotate)
    {
        var contents = new List<AIContent>();
        if (!candidate.TryGetProperty("content", out var content) || !content.TryGetProperty("parts", out var parts))
            return contents;
        var texts = new List<TextContent?>();
        foreach (var part in parts.EnumerateArray())
        {
            var read = GeminiPart.ToContent(part, () => CallIds.Make(request.CallRound, _calledWithoutId++));
            var signature = ThoughtSignature.Of(part, read);
            if (read is null && signature is not null)
                read = new TextContent("");
            if (read is not null)
                contents.Add(read);
            if (signature is not null)
                contents.Add(signature);
            if (read is FunctionCallContent call)
            {
                _calls++;
                if (signature is null)
                    ThoughtSignature.MarkUnsigned(call, request.Model);
            }

            texts.Add(read as TextContent);
        }

        if (annotate)
            GeminiCitations.Annotate(texts, candidate);
        return contents;
    }

    private void Finish(string finish)
    {
        if (GeminiFinish.IsModelFault(finish))
            throw GeminiErrors.MalformedCall(finish);
        _finish = finish;
        if (finish is not ("STOP" or "MAX_TOKENS"))
            (Properties ??= [])["finishReason"] = finish;
    }

    private void Keep(string name, JsonElement value) => (Properties ??= [])[name] = value.Clone();

    private static string? Text(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var value) && value.GetString() is { Length: > 0 } text ? text : null;
}
