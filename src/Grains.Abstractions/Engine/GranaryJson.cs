using System.Globalization;
using System.Numerics;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Granary.Engine;

/// <summary>How values are written where the application says nothing else: camelCase, readable, and with big integers.</summary>
internal static class GranaryJson
{
    /// <summary>For Granary's own records, whatever the application's options are.</summary>
    public static JsonSerializerOptions Own { get; } = CreateOwn();

    public static JsonSerializerOptions Create() => new(JsonSerializerDefaults.Web)
    {
        // Journals are text in a database, never in a web page: keep letters readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new BigIntegerConverter() },
    };

    /// <summary>A value that stands in another as it is.</summary>
    public static JsonElement Element(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = Own.MaxDepth });
        return document.RootElement.Clone();
    }

    /// <summary>The JSON of such a value.</summary>
    public static byte[] Bytes(JsonElement element) => System.Text.Encoding.UTF8.GetBytes(element.GetRawText());

    private static JsonSerializerOptions CreateOwn()
    {
        var options = Create();
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;

        // What the application may write deeper than the default, Granary must be able to show.
        options.MaxDepth = 1_000;
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    private sealed class BigIntegerConverter : JsonConverter<BigInteger>
    {
        public override BigInteger Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            BigInteger.Parse(reader.TokenType == JsonTokenType.String ? reader.GetString()! : System.Text.Encoding.UTF8.GetString(reader.ValueSpan), CultureInfo.InvariantCulture);

        // As text: many readers of JSON cut numbers to 53 bits.
        public override void Write(Utf8JsonWriter writer, BigInteger value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
    }
}
