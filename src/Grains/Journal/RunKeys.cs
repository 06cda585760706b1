using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Journal;

/// <summary>
/// Makes 64-bit keys that grow with time, so that every index is append-mostly: 42 bits of milliseconds since 2020 and
/// 21 random bits. Two runs may draw the same key; then the second takes another.
/// </summary>
internal sealed class RunKeys([FromKeyedServices(StoreClock.Key)] TimeProvider time)
{
    private static readonly DateTimeOffset _epoch = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public long Next() => ((long)(time.GetUtcNow() - _epoch).TotalMilliseconds << 21) | (uint)RandomNumberGenerator.GetInt32(1 << 21);

    /// <summary>64 random bits, never zero: zero is the predecessor of a run's first row.</summary>
    public static long NextAppendId()
    {
        Span<byte> bytes = stackalloc byte[8];
        long id;
        do
        {
            System.Random.Shared.NextBytes(bytes);
            id = BitConverter.ToInt64(bytes);
        }
        while (id == 0);
        return id;
    }
}
