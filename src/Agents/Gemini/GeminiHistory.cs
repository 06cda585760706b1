using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>Builds <c>contents</c> and <c>systemInstruction</c> from the messages of a conversation.</summary>
/// <remarks>
/// Gemini wants a function call and its answers in neighbouring contents: consecutive model messages become one content, and so do
/// consecutive results, in the order of the calls.
/// </remarks>
internal sealed class GeminiHistory
{
    /// <summary>The documented stand-in for the signature of a call that another model made.</summary>
    internal const string ForeignCallSignature = "skip_thought_signature_validator";

    private readonly string _model;
    private readonly JsonArray _system = [];
    private readonly List<Turn> _turns = [];
    private readonly Dictionary<string, string> _functionNames = new(StringComparer.Ordinal);
    private readonly HashSet<JsonObject> _unsignedByModel = new(ReferenceEqualityComparer.Instance);

    public GeminiHistory(string model, string? instructions)
    {
        _model = model;
        Instruct(instructions);
    }

    private enum Speaker
    {
        User,
        Model,
        Tool,
    }

    /// <summary>One more than the highest round among the ids that this client made for calls without one.</summary>
    public int NextCallRound { get; private set; }

    public void Add(ChatMessage message)
    {
        if (message.Role == ChatRole.System)
        {
            foreach (var text in message.Contents.OfType<TextContent>())
                Instruct(text.Text);
            return;
        }

        var others = new List<AIContent>();
        foreach (var content in message.Contents)
            if (content is FunctionResultContent result)
            {
                AddParts(message.Role, others);
                others = [];
                AddResult(result);
            }
            else
            {
                others.Add(content);
            }

        AddParts(message.Role, others);
    }

    public JsonObject? ToSystemInstruction() => _system.Count > 0 ? new() { ["parts"] = _system.DeepClone() } : null;

    public JsonArray ToContents()
    {
        if (GeminiModel.DemandsSignatures(_model))
            SignForeignCalls();
        var contents = new JsonArray();
        List<string> calls = [];
        foreach (var turn in _turns)
        {
            if (turn.Speaker is Speaker.Model)
                calls = turn.CallIds;
            IEnumerable<JsonObject> parts = turn.Parts;
            if (turn.Speaker is Speaker.Tool)
                parts = turn.Parts.Zip(turn.CallIds)
                    .OrderBy(answer => calls.IndexOf(answer.Second) is var index and >= 0 ? index : int.MaxValue)
                    .Select(answer => answer.First);
            contents.Add(new JsonObject
            {
                ["role"] = turn.Speaker is Speaker.Model ? "model" : "user",
                ["parts"] = new JsonArray([.. parts]),
            });
        }

        return contents;
    }

    private void Instruct(string? text)
    {
        if (!string.IsNullOrEmpty(text))
            _system.Add(new JsonObject { ["text"] = text });
    }

    private void AddParts(ChatRole role, List<AIContent> contents)
    {
        var parts = role == ChatRole.Assistant ? ModelParts(contents) : UserParts(contents);
        if (parts.Count == 0)
            return;
        if (role == ChatRole.Assistant)
            Continue(Speaker.Model).Parts.AddRange(parts);
        else
            _turns.Add(new(Speaker.User) { Parts = parts });
    }

    private Turn Continue(Speaker speaker)
    {
        if (_turns.Count == 0 || _turns[^1].Speaker != speaker)
            _turns.Add(new(speaker));
        return _turns[^1];
    }

    private void AddResult(FunctionResultContent result)
    {
        if (!_functionNames.TryGetValue(result.CallId, out var name))
            throw new ModelException(
                ModelErrors.InvalidRequest,
                $"The history holds a result for the function call '{result.CallId}', but not the call before it.",
                "Keep a call and its result together when a history is shortened.");
        var turn = Continue(Speaker.Tool);
        turn.CallIds.Add(result.CallId);
        turn.Parts.Add(GeminiPart.FromResult(result, name));
    }

    private static List<JsonObject> UserParts(List<AIContent> contents) =>
        [.. contents.Where(content => content is not TextContent { Text: "" }).Select(GeminiPart.FromContent).OfType<JsonObject>()];

    private List<JsonObject> ModelParts(List<AIContent> contents)
    {
        var parts = new List<JsonObject>();
        for (var i = 0; i < contents.Count; i++)
        {
            var next = i + 1 < contents.Count && ThoughtSignature.Trails(contents[i + 1]) ? (TextReasoningContent)contents[i + 1] : null;
            switch (contents[i])
            {
                case TextContent { Text: "" } when next is null:
                    continue;
                case TextReasoningContent thought:
                    // A signature with nothing before it belongs to another provider; an unsigned thought need not go back.
                    var signature = next?.ProtectedData ?? (ThoughtSignature.IsOurs(thought) ? thought.ProtectedData : null);
                    if (!string.IsNullOrEmpty(thought.Text) && signature is not null)
                        parts.Add(new() { ["text"] = thought.Text, ["thought"] = true, [ThoughtSignature.Field] = signature });
                    break;
                default:
                    if (contents[i] is FunctionCallContent call)
                        Register(call);
                    if (GeminiPart.FromContent(contents[i]) is not { } part)
                        break;
                    parts.Add(part);
                    if (ThoughtSignature.UnsignedBy(contents[i]) == _model)
                        _unsignedByModel.Add(part);
                    if (next is not null)
                        ThoughtSignature.PutBack(next, parts);
                    break;
            }

            if (next is not null)
                i++;
        }

        return parts;
    }

    private void Register(FunctionCallContent call)
    {
        _functionNames[call.CallId] = call.Name;
        Continue(Speaker.Model).CallIds.Add(call.CallId);
        if (CallIds.RoundOf(call.CallId) is { } round && round >= NextCallRound)
            NextCallRound = round + 1;
    }

    /// <summary>
    /// Gemini 3 refuses a step of the current turn whose first call is unsigned; the docs give a stand-in for calls of other models.
    /// What the same model left unsigned goes back as it came.
    /// </summary>
    private void SignForeignCalls()
    {
        var turnStart = _turns.FindLastIndex(turn => turn.Speaker is Speaker.User);
        foreach (var turn in _turns.Skip(turnStart + 1).Where(turn => turn.Speaker is Speaker.Model))
            if (turn.Parts.Find(part => part.ContainsKey("functionCall")) is { } first && !_unsignedByModel.Contains(first))
                first.TryAdd(ThoughtSignature.Field, ForeignCallSignature);
    }

    private sealed class Turn(Speaker speaker)
    {
        public Speaker Speaker { get; } = speaker;

        public List<JsonObject> Parts { get; init; } = [];

        /// <summary>The ids of a model turn's calls, or of the answers in <see cref="Parts"/>, one for one.</summary>
        public List<string> CallIds { get; } = [];
    }
}
