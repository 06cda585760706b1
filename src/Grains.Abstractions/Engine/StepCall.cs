using System.Text.Json;

namespace Granary.Engine;

/// <summary>A step that is asked for.</summary>
/// <param name="Kind">One of <see cref="StepKinds"/>.</param>
/// <param name="Name">What replay compares besides the kind.</param>
/// <param name="Body">The outside work.</param>
/// <param name="Options">Retries and limits.</param>
internal sealed record StepCall<T>(string Kind, string Name, Func<StepContext, Task<T>> Body, StepOptions Options)
{
    /// <summary>The place, when the caller numbered it itself (<see cref="IRunEngine.NextKey"/>, <see cref="StepScope.Under"/>); else the next one of the ambient scope.</summary>
    public StepKey? Key { get; init; }

    /// <summary>The canonical JSON of what the step depends on; its hash is compared on replay. Null: nothing is compared.</summary>
    public byte[]? Fingerprint { get; init; }

    /// <summary>JSON to record as the step's input, for people to read. Null: none.</summary>
    public byte[]? Input { get; init; }

    /// <summary>How the body may run on another silo. Null: it runs where the run is.</summary>
    public RemoteCall? Remote { get; init; }

    /// <summary>How the outcome is written and read. Null: as the application's options say.</summary>
    public JsonSerializerOptions? Json { get; init; }
}
