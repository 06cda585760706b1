using System.Numerics;
using Xunit;

namespace Granary.Tests.Runs;

[Flags]
internal enum Colours
{
    None = 0,
    Red = 1,
    Green = 2,
}

/// <summary>A value of each plain type.</summary>
internal sealed record Everything(
    DateTime Utc, DateTimeOffset WithOffset, DateOnly Day, TimeOnly Hour, TimeSpan Span, decimal Money, BigInteger Big, long Most, double Small,
    Colours Colours, Guid Id, Uri Link, byte[] Bytes, string? Nothing, int? NoNumber, string Text, Nested Nested)
{
    public static Everything Sample() => new(
        new DateTime(2026, 10, 25, 2, 30, 0, 123, DateTimeKind.Utc).AddTicks(4567),
        new DateTimeOffset(2026, 10, 25, 2, 30, 0, TimeSpan.FromMinutes(345)).AddTicks(1),
        new DateOnly(1, 1, 1),
        new TimeOnly(23, 59, 59, 999),
        TimeSpan.FromTicks(-12_345_678_901),
        1.10m,
        BigInteger.Pow(7, 200) * -1,
        long.MaxValue,
        double.Epsilon,
        Colours.Red | Colours.Green,
        Guid.Parse("01890a5d-ac96-774b-bcce-b302099a8057"),
        new Uri("https://example.org/a?b=c#d"),
        [0, 255, 128],
        null,
        null,
        "emoji 👩‍🌾, null \0, quote \", e\u0301",
        new Nested([new Nested([], new() { ["ключ"] = null }), new Nested([], [])], new() { ["a"] = 1, ["B"] = 2 }));

    public void AssertIsSample()
    {
        var sample = Sample();

        // Records compare lists and bytes by reference: they are compared on their own.
        Assert.Equal(sample with { Bytes = Bytes, Nested = Nested }, this);
        Assert.Equal(sample.Bytes, Bytes);
        Assert.Equivalent(sample.Nested, Nested, strict: true);
        Assert.Equal(DateTimeKind.Utc, Utc.Kind);
        Assert.Equal(sample.WithOffset.Offset, WithOffset.Offset);
        Assert.Equal(decimal.GetBits(sample.Money), decimal.GetBits(Money));
    }
}

internal sealed record Nested(IReadOnlyList<Nested> Children, Dictionary<string, int?> Numbers);
