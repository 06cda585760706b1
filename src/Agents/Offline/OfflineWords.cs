using System.Text.RegularExpressions;

namespace Granary.Agents;

/// <summary>Splits texts and identifiers into comparable words.</summary>
internal static partial class OfflineWords
{
    // Words that say nothing of what a question or a tool is about.
    private static readonly HashSet<string> _empty = new(
        ("a an and any are as at be been but by can could current currently data did do does each find for from get give had has have here how i if in info "
        + "information into is it its like list look make me my need not now of on or our please read result return run set should show so some tell "
        + "that the their them then there these they this those to tool up us use value want was we were what when where which who why will with would you your").Split(' '),
        StringComparer.Ordinal);

    /// <summary>The telling words of a text, without endings, in order and without repeats.</summary>
    public static IReadOnlyList<string> Of(string? text) =>
        [.. Pieces(text).Select(w => w.ToLowerInvariant()).Where(w => w.Length > 1 && !_empty.Contains(w)).Select(Stem).Distinct(StringComparer.Ordinal)];

    /// <summary>Whether a word says nothing by itself.</summary>
    public static bool IsEmpty(string word) => _empty.Contains(word.ToLowerInvariant());

    /// <summary>The words of a text or identifier: <c>getWeather</c>, <c>get_weather</c> and <c>get weather</c> are the same two.</summary>
    private static IEnumerable<string> Pieces(string? text) => Word().Matches(text ?? "").Select(m => m.Value);

    // Crude on purpose: it only has to make 'raining', 'rains' and 'rain' meet.
    private static string Stem(string word)
    {
        foreach (var ending in (string[])["ing", "ies", "es", "ed", "s", "y", "e"])
        {
            if (word.Length - ending.Length >= 3 && word.EndsWith(ending, StringComparison.Ordinal))
                return word[..^ending.Length];
        }

        return word;
    }

    [GeneratedRegex(@"\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+|\d+")]
    private static partial Regex Word();
}
