namespace Granary.Journal;

/// <summary>A stored value: bytes, and the codec that reads them.</summary>
/// <param name="Codec">The name of the codec chain; see <see cref="PayloadCodec"/>.</param>
/// <param name="Bytes">What is stored.</param>
internal sealed record Payload(string Codec, byte[] Bytes);
