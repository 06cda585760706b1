using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Granary.Engine;
using Granary.Grains;
using Granary.Journal;
using Granary.Runs;

namespace Granary.Approvals;

/// <summary>A question that a run's code has asked, whatever it asks about.</summary>
internal interface IApprovalSlot
{
    string Id { get; }

    /// <summary>Why the answer can't be accepted; null when it can.</summary>
    Refusal? Refuse(DecisionMessage message);

    /// <summary>The outcome of the step, and what is written beside it.</summary>
    (byte[] Outcome, SideRow Side) Decide(DecisionMessage message, DateTimeOffset now);
}

/// <inheritdoc/>
internal sealed class ApprovalSlot<T> : StepSlot<Approval<T>>, IApprovalSlot
{
    private readonly ApprovalCall<T> _call;
    private readonly byte[] _arguments;
    private readonly PayloadCodec _codec;

    public ApprovalSlot(StepKey key, ApprovalCall<T> call, RunRow run, PayloadCodec codec, StepRecord? record)
        : base(key, StepKinds.Approval, call.Name, record)
    {
        _call = call;
        _codec = codec;
        _arguments = codec.Values.Write(call.Arguments, $"The arguments of approval '{call.Name}' ({key})", call.Json);
        Id = IdOf(run.Key, key);
        Input = codec.Encode(JsonSerializer.SerializeToUtf8Bytes(new Question(Id, call.Question, GranaryJson.Element(_arguments), call.Options.Deciders, call.Options.AllowEdits), GranaryJson.Own));
    }

    public string Id { get; }

    public override bool IsForMessage => true;

    public override bool MustBegin => Record?.Timer is null;

    public override JournalRow Begin(int epoch) => StepRows.WaitStarted(this, epoch);

    /// <summary>The same for a step of a run, whoever computes it; safe in a URL.</summary>
    public static string IdOf(long runKey, StepKey key) => $"{runKey.ToString("x", CultureInfo.InvariantCulture)}.{key.Value.Replace('/', '.')}";

    public override SideRow? Side(RunRow run) => new ApprovalRow
    {
        Id = Id,
        RunId = run.Id,
        Workflow = run.Workflow,
        StepKey = Key.Value,
        Question = _call.Question,
        Arguments = _codec.Encode(_arguments),
        Hash = SHA256.HashData(_arguments),
        Deciders = _call.Options.Deciders.Count == 0 ? null : JsonSerializer.Serialize(_call.Options.Deciders, GranaryJson.Own),
        AllowsEdits = _call.Options.AllowEdits,
        ExpiresAt = Due,
    };

    public Refusal? Refuse(DecisionMessage message)
    {
        if (_call.Options.Deciders.Count > 0 && !_call.Options.Deciders.Any(d => d == message.By || message.Roles.Any(r => d == $"role:{r}")))
            return new Refusal("GRN1503", $"{message.By ?? "An unnamed caller"} may not decide approval '{Id}'.", $"Deciders are: {string.Join(", ", _call.Options.Deciders)}; act for one of them with IGranaryClient.As.", null);
        if (message.Arguments is not { } edited || edited.AsSpan().SequenceEqual(_arguments))
            return null;
        if (!_call.Options.AllowEdits)
            return new Refusal("GRN1504", $"The arguments of approval '{Id}' may not be edited.", "Approve or reject them as they are.", null);
        try
        {
            var arguments = _codec.Values.Read<T>(edited, "The edited arguments", _call.Json);
            var fault = _call.Check?.Invoke(arguments!);
            return fault is null ? null : new Refusal("GRN1504", $"The edited arguments of approval '{Id}' don't fit: {fault}", "Send arguments of the form that was asked.", null);
        }
        catch (PayloadException e)
        {
            return new Refusal("GRN1504", $"The edited arguments of approval '{Id}' don't fit: {e.What}", "Send arguments of the form that was asked.", null);
        }
    }

    public (byte[] Outcome, SideRow Side) Decide(DecisionMessage message, DateTimeOffset now) => Close(
        message.Approve ? ApprovalDecision.Approved : ApprovalDecision.Rejected,
        message.Approve && message.Arguments is { } edited && !edited.AsSpan().SequenceEqual(_arguments) ? edited : null, message.By, message.Comment, now);

    public override (byte[]? Outcome, SideRow? Side) TimedOut(DateTimeOffset now) => Close(_call.Options.OnExpiry, null, null, null, now);

    protected override Approval<T>? Read(byte[] output, PayloadCodec codec)
    {
        var answer = JsonSerializer.Deserialize<Answered>(output, GranaryJson.Own)!;
        var arguments = codec.Values.Read<T>(GranaryJson.Bytes(answer.Arguments), $"The arguments of approval '{Name}' ({Key})", _call.Json);
        return new Approval<T>(answer.Id, answer.Decision, arguments!, answer.WasEdited, answer.By, answer.Comment, answer.At);
    }

    private (byte[] Outcome, SideRow Side) Close(ApprovalDecision decision, byte[]? edited, string? by, string? comment, DateTimeOffset now)
    {
        var answer = new Answered(Id, decision, GranaryJson.Element(edited ?? _arguments), edited is not null, by, comment, now);
        return (JsonSerializer.SerializeToUtf8Bytes(answer, GranaryJson.Own), new ApprovalClosedRow
        {
            Id = Id,
            Decision = decision.ToString().ToLowerInvariant(),
            By = by,
            Comment = comment,
            EditedArguments = edited is null ? null : _codec.Encode(edited),
        });
    }

    private sealed record Question(string Id, [property: JsonPropertyName("question")] string Text, JsonElement Arguments, IReadOnlyList<string> Deciders, bool AllowEdits);

    private sealed record Answered(string Id, [property: JsonConverter(typeof(JsonStringEnumConverter<ApprovalDecision>))] ApprovalDecision Decision, JsonElement Arguments, bool WasEdited, string? By, string? Comment, DateTimeOffset At);
}
