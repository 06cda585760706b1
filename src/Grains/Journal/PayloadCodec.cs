using System.IO.Compression;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Granary.Journal;

/// <summary>
/// Turns values into stored bytes and back: serialise, then compress what is large. The codec's name stands in the row,
/// so old rows are read by the codec that wrote them.
/// </summary>
internal sealed class PayloadCodec(IOptions<GranaryOptions> options)
{
    public const string Plain = "json";
    public const string Brotli = "json+br";

    private readonly PayloadOptions _limits = options.Value.Payloads;

    /// <summary>The application's serialiser options.</summary>
    public JsonSerializerOptions Json { get; } = options.Value.Json;

    /// <summary>Writes a value as JSON.</summary>
    /// <exception cref="PayloadException"><c>GRN1602</c> not serialisable, <c>GRN1601</c> too large; the message begins with <paramref name="what"/>.</exception>
    public byte[] Serialize<T>(T value, string what, JsonSerializerOptions? json = null)
    {
        byte[] bytes;
        try
        {
            bytes = JsonSerializer.SerializeToUtf8Bytes(value, json ?? Json);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Getters of the user's own types may throw anything.
            throw new PayloadException("GRN1602", $"{what} can't be written as JSON: {value?.GetType() ?? typeof(T)}: {e.Message}",
                "Return plain data (records, collections, strings, numbers), or register a converter in GranaryOptions.Json.", e);
        }

        CheckSize(bytes.Length, what);
        return bytes;
    }

    /// <summary>Reads a value.</summary>
    /// <exception cref="PayloadException"><c>GRN1603</c>.</exception>
    public T? Deserialize<T>(ReadOnlySpan<byte> bytes, string what, JsonSerializerOptions? json = null)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(bytes, json ?? Json);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new PayloadException("GRN1603", $"{what} can't be read back as {typeof(T)}: {e.Message}",
                "Give the type a constructor or setters that System.Text.Json can use, or register a converter in GranaryOptions.Json.", e);
        }
    }

    public Payload Encode(byte[] json)
    {
        if (json.Length <= _limits.CompressAboveBytes)
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

    private void CheckSize(int bytes, string what)
    {
        if (bytes > _limits.MaxBytes)
        {
            throw new PayloadException("GRN1601", $"{what} is {bytes:N0} bytes of JSON; the limit is {_limits.MaxBytes:N0}.",
                "Store the data elsewhere and return a reference, or raise Granary:Payloads:MaxBytes.");
        }
    }
}
