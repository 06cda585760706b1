using System.Globalization;

namespace Granary;

/// <summary>Ids for function calls that came without one, as those of older models do.</summary>
/// <remarks>
/// <c>granary_call_{round}_{index}</c>: unique within a history and a function of it, so that a call gets the same id whenever it is
/// asked for again. Letters, digits and underscores only: other providers refuse more.
/// </remarks>
internal static class CallIds
{
    private const string Prefix = "granary_call_";

    public static string Make(int round, int index) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{round}_{index}");

    /// <summary>The id as Gemini may see it: null for one that Gemini did not give.</summary>
    public static string? Sent(string callId) =>
        callId.Length == 0 || callId.StartsWith(Prefix, StringComparison.Ordinal) ? null : callId;

    /// <summary>The round of an id made here, or null.</summary>
    public static int? RoundOf(string callId)
    {
        if (!callId.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        var rest = callId.AsSpan(Prefix.Length);
        var end = rest.IndexOf('_');
        return end > 0 && int.TryParse(rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var round) ? round : null;
    }
}
