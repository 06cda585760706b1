using Granary.Engine;

namespace Granary.Runs;

/// <summary>A random generator whose draws are recorded: each call is one row, and answers the same on replay.</summary>
internal sealed class RecordedRandom(RunVerbs verbs) : Random
{
    public override int Next() => Draw(System.Random.Shared.Next);

    public override int Next(int maxValue) => Draw(() => System.Random.Shared.Next(maxValue));

    public override int Next(int minValue, int maxValue) => Draw(() => System.Random.Shared.Next(minValue, maxValue));

    public override long NextInt64() => Draw(System.Random.Shared.NextInt64);

    public override long NextInt64(long maxValue) => Draw(() => System.Random.Shared.NextInt64(maxValue));

    public override long NextInt64(long minValue, long maxValue) => Draw(() => System.Random.Shared.NextInt64(minValue, maxValue));

    public override double NextDouble() => Draw(System.Random.Shared.NextDouble);

    public override float NextSingle() => Draw(System.Random.Shared.NextSingle);

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        var length = buffer.Length;
        var bytes = Draw(() =>
        {
            var drawn = new byte[length];
            System.Random.Shared.NextBytes(drawn);
            return drawn;
        });
        bytes.CopyTo(buffer);
    }

    protected override double Sample() => NextDouble();

    private T Draw<T>(Func<T> draw) => verbs.Draw(StepKinds.Random, "random", draw);
}
