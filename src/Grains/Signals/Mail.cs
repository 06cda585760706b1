using System.Text.Json;
using Granary.Engine;
using Granary.Journal;

namespace Granary.Signals;

/// <summary>A signal that a run has accepted.</summary>
/// <param name="Topic">What it was sent to.</param>
/// <param name="Key">The sender's idempotency key.</param>
/// <param name="From">The run that sent it; null for a client.</param>
/// <param name="At">When it was accepted.</param>
/// <param name="Value">The value, as JSON.</param>
internal sealed record Mail(string Topic, string Key, string? From, DateTimeOffset At, byte[] Value)
{
    private sealed record Envelope(string Key, string? From);

    private sealed record Received(JsonElement Value, string Topic, DateTimeOffset At, string? From, string IdempotencyKey);

    /// <summary>The row that says it was accepted.</summary>
    public JournalRow ToRow(int epoch, PayloadCodec codec) => new()
    {
        Kind = FactKind.SignalReceived,
        Epoch = epoch,
        Name = Topic,
        Input = codec.Encode(JsonSerializer.SerializeToUtf8Bytes(new Envelope(Key, From), GranaryJson.Own)),
        Output = codec.Encode(Value),
        StartedAt = At,
    };

    public static Mail Of(JournalRow row)
    {
        var envelope = JsonSerializer.Deserialize<Envelope>(PayloadCodec.Decode(row.Input!), GranaryJson.Own)!;
        return new Mail(row.Name!, envelope.Key, envelope.From, row.StartedAt ?? row.CommittedAt, PayloadCodec.Decode(row.Output!));
    }

    /// <summary>The outcome of the wait that gets it.</summary>
    public byte[] ToOutcome() => JsonSerializer.SerializeToUtf8Bytes(new Received(GranaryJson.Element(Value), Topic, At, From, Key), GranaryJson.Own);

    /// <summary>Reads an outcome that <see cref="ToOutcome"/> wrote.</summary>
    public static Signal<T> Read<T>(byte[] outcome, ValueJson values)
    {
        var received = JsonSerializer.Deserialize<Received>(outcome, GranaryJson.Own)!;
        var value = values.Read<T>(GranaryJson.Bytes(received.Value), $"The signal to '{received.Topic}'");
        return new Signal<T>(value!, received.Topic, received.At, received.From is { } run ? new RunId(run) : (RunId?)null, received.IdempotencyKey);
    }
}
