using System.Text.Json;
using Granary.Engine;
using Orleans.Storage;

namespace Granary.Silo.Hosting;

/// <summary>Grain state as plain JSON: Orleans' default would write CLR type names into the database.</summary>
internal sealed class GrainStateJson : IGrainStorageSerializer
{
    public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input, GranaryJson.Own));

    public T Deserialize<T>(BinaryData input) => JsonSerializer.Deserialize<T>(input.ToMemory().Span, GranaryJson.Own)!;
}
