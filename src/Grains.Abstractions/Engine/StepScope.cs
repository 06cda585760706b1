using System.Globalization;

namespace Granary.Engine;

/// <summary>
/// Numbers the steps of one sequential piece of a run. Scopes nest under a step's key, so keys depend on the code's
/// structure alone and never on what finishes first.
/// </summary>
internal sealed class StepScope
{
    private int _last;

    private StepScope(string prefix) => Prefix = prefix;

    /// <summary>The key under which this scope lies with a slash behind it; empty for the root.</summary>
    public string Prefix { get; }

    /// <summary>The scope of the run itself.</summary>
    public static StepScope Root() => new("");

    /// <summary>A scope under a step or branch.</summary>
    public static StepScope Under(StepKey key) => new(key.Value + "/");

    /// <summary>The next key. Safe to call from code that escaped the run's scheduler, though its order is then its own.</summary>
    public StepKey Next() => new(Prefix + Ordinal(Interlocked.Increment(ref _last)));

    /// <summary>The key that <see cref="Next"/> would give.</summary>
    public StepKey Peek() => new(Prefix + Ordinal(Volatile.Read(ref _last) + 1));

    /// <summary>A counter that sorts as text: a letter for the number of digits, then the digits.</summary>
    internal static string Ordinal(int number)
    {
        var digits = number.ToString(CultureInfo.InvariantCulture);
        return (char)('a' + digits.Length - 1) + digits;
    }
}
