using System.IO.Compression;
using Granary.Engine;
using Microsoft.Extensions.Options;

namespace Granary.Journal;

/// <summary>
/// Turns JSON into stored bytes and back: what is large is compressed. The codec's name stands in the row, so old rows
/// are read by the codec that wrote them.
/// </summary>
internal sealed class PayloadCodec(IOptions<GranaryOptions> options)
{
    public const string Plain = "json";
    public const string Brotli = "json+br";

    private readonly int _compressAbove = options.Value.Payloads.CompressAboveBytes;

    /// <summary>Writes and reads the values themselves.</summary>
    public ValueJson Values { get; } = new(options.Value.Json, options.Value.Payloads.MaxBytes);

    public Payload Encode(byte[] json)
    {
        if (json.Length <= _compressAbove)
            return new Payload(Plain, json);
        using var buffer = new MemoryStream();
        using (var brotli = new BrotliStream(buffer, CompressionLevel.Fastest, leaveOpen: true))
            brotli.Write(json);
        return new Payload(Brotli, buffer.ToArray());
    }

    public static byte[] Decode(Payload payload)
    {
        switch (payload.Codec)
        {
            case Plain:
                return payload.Bytes;
            case Brotli:
                using (var source = new BrotliStream(new MemoryStream(payload.Bytes), CompressionMode.Decompress))
                using (var target = new MemoryStream())
                {
                    source.CopyTo(target);
                    return target.ToArray();
                }

            default:
                throw new PayloadException("GRN1603", $"A stored value has the codec '{payload.Codec}', which this build doesn't know.",
                    "Run a build that has the codec.");
        }
    }
}
