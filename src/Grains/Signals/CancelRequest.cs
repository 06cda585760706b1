using System.Text.Json;
using Granary.Engine;
using Granary.Journal;

namespace Granary.Signals;

/// <summary>The fact that somebody asked to cancel a run.</summary>
internal static class CancelRequest
{
    private sealed record Request(string? Reason, string? By);

    public static JournalRow ToRow(int epoch, string? reason, string? by, PayloadCodec codec) => new()
    {
        Kind = FactKind.CancelRequested,
        Epoch = epoch,
        Input = codec.Encode(JsonSerializer.SerializeToUtf8Bytes(new Request(reason, by), GranaryJson.Own)),
    };

    public static string? ReasonOf(JournalRow row) => JsonSerializer.Deserialize<Request>(PayloadCodec.Decode(row.Input!), GranaryJson.Own)!.Reason;
}
