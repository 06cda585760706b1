using System.Security.Cryptography;
using System.Text;

namespace Granary.Runs;

/// <summary>SHA-256 over a step's kind, name and canonical input.</summary>
internal static class Fingerprints
{
    public static byte[]? Of(string kind, string name, byte[]? input)
    {
        if (input is null)
            return null;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(kind));
        hash.AppendData([0]);
        hash.AppendData(Encoding.UTF8.GetBytes(name));
        hash.AppendData([0]);
        hash.AppendData(input);
        return hash.GetHashAndReset();
    }
}
