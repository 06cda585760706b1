using System.Text.Json;
using System.Text.Json.Serialization;

namespace Granary;

/// <summary>A run's id: the caller's, or a version 7 UUID. JSON: a string.</summary>
[JsonConverter(typeof(RunIdJsonConverter))]
public readonly record struct RunId
{
    /// <summary>The longest id, in characters.</summary>
    public const int MaxLength = 256;

    private readonly string? _value;

    /// <summary>Makes an id.</summary>
    /// <param name="value">1 to 256 characters, not blank, no control characters.</param>
    /// <exception cref="GranaryUsageException"><c>GRN1701</c>: the text is no id.</exception>
    public RunId(string value)
    {
        Engine.Names.CheckRunId(value);
        _value = value;
    }

    /// <summary>The text.</summary>
    public string Value => _value ?? throw new GranaryUsageException("GRN1701", "This run id was never set.", "Make it with new RunId(text).");

    /// <summary>Makes an id from its text.</summary>
    /// <param name="value">The text.</param>
    public static implicit operator RunId(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => _value ?? "";

    private sealed class RunIdJsonConverter : JsonConverter<RunId>
    {
        public override RunId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, RunId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
    }
}
