using System.Text.Json;

namespace Granary.Engine;

/// <summary>Writes and reads the application's values, with errors that name the value.</summary>
/// <param name="json">How.</param>
/// <param name="maxBytes">The largest value.</param>
internal sealed class ValueJson(JsonSerializerOptions json, int maxBytes)
{
    public JsonSerializerOptions Options { get; } = json;

    /// <summary>Writes a value as JSON.</summary>
    /// <exception cref="PayloadException"><c>GRN1602</c> not serialisable, <c>GRN1601</c> too large; the message begins with <paramref name="what"/>.</exception>
    public byte[] Write<T>(T value, string what, JsonSerializerOptions? options = null)
    {
        byte[] bytes;
        try
        {
            bytes = JsonSerializer.SerializeToUtf8Bytes(value, options ?? Options);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Getters of the user's own types may throw anything.
            throw new PayloadException("GRN1602", $"{what} can't be written as JSON: {value?.GetType() ?? typeof(T)}: {e.Message}",
                "Use plain data (records, collections, strings, numbers), or register a converter in GranaryOptions.Json.", e);
        }

        if (bytes.Length > maxBytes)
        {
            throw new PayloadException("GRN1601", $"{what} is {bytes.Length:N0} bytes of JSON; the limit is {maxBytes:N0}.",
                "Store the data elsewhere and pass a reference, or raise Granary:Payloads:MaxBytes.");
        }

        return bytes;
    }

    /// <summary>Writes a value as a type that is known at run time.</summary>
    /// <exception cref="PayloadException"><c>GRN1602</c> not serialisable, <c>GRN1601</c> too large.</exception>
    public byte[] Write(object? value, Type type, string what) => Write<object?>(value is null ? null : JsonSerializer.SerializeToElement(value, type, Options), what);

    /// <summary>Reads a value.</summary>
    /// <exception cref="PayloadException"><c>GRN1603</c>.</exception>
    public T? Read<T>(ReadOnlySpan<byte> bytes, string what, JsonSerializerOptions? options = null)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(bytes, options ?? Options);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new PayloadException("GRN1603", $"{what} can't be read back as {typeof(T)}: {e.Message}",
                "Give the type a constructor or setters that System.Text.Json can use, or register a converter in GranaryOptions.Json.", e);
        }
    }

    /// <summary>The value as it would be read from what it was written to.</summary>
    /// <exception cref="PayloadException"><c>GRN1603</c>.</exception>
    public T? ReadBack<T>(T value, ReadOnlySpan<byte> written, string what, JsonSerializerOptions? options = null) =>
        value is string text && typeof(T) == typeof(string) && ComesBackAsItIs(text, options ?? Options) ? value : Read<T>(written, what, options);

    /// <summary>A string that the serializer's own converter wrote comes back equal, unless half of a surrogate pair was replaced.</summary>
    private static bool ComesBackAsItIs(string text, JsonSerializerOptions options) =>
        !text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') && options.GetConverter(typeof(string)).GetType().Assembly == typeof(JsonSerializer).Assembly;
}
