using System.Globalization;
using System.Text.RegularExpressions;

namespace Granary.Agents;

/// <summary>What can be read out of a question by rule: its words, the things it names, and its numbers.</summary>
internal sealed partial class OfflineQuestion
{
    // Capitalised, but no names that a tool is asked about.
    private static readonly HashSet<string> _noNames = new(
        ("I Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August September October November December "
        + "Celsius Fahrenheit Kelvin Compare Check Book Order Search Calculate Add Convert Translate Send Write Say Also And Then Hello Hi Hey Thanks").Split(' '),
        StringComparer.Ordinal);

    public OfflineQuestion(string text)
    {
        Text = text.Trim();
        Words = OfflineWords.Of(text);
        var quoted = Quoted().Matches(text).Select(m => m.Groups["text"].Value.Trim()).Where(t => t.Length > 0).ToList();
        var plain = Quoted().Replace(text, " , ");
        Named = quoted.Count > 0 ? quoted : [.. NamesIn(plain).Distinct(StringComparer.Ordinal)];
        Quotes = quoted;
        Numbers = [.. Number().Matches(plain).Select(m => decimal.Parse(m.Value.Replace(',', '.'), CultureInfo.InvariantCulture))];
    }

    public string Text { get; }

    /// <summary>The telling words.</summary>
    public IReadOnlyList<string> Words { get; }

    /// <summary>What the question names: its quoted texts, or else its capitalised words, those side by side as one.</summary>
    public IReadOnlyList<string> Named { get; }

    public IReadOnlyList<string> Quotes { get; }

    public IReadOnlyList<decimal> Numbers { get; }

    /// <summary>Whether the question has a word or phrase, whatever its case.</summary>
    public bool Has(string phrase) =>
        Regex.IsMatch(Text, $@"(?<![\p{{L}}\d]){Regex.Escape(phrase)}(?![\p{{L}}\d])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    /// <summary>The named thing that a word leads to, as in "from Rome to Paris".</summary>
    public string? After(string word) => Named.FirstOrDefault(name =>
        Regex.IsMatch(Text, $@"(?<!\p{{L}}){Regex.Escape(word)}\s+[""'“«]?{Regex.Escape(name)}(?![\p{{L}}\d])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant));

    private static IEnumerable<string> NamesIn(string text)
    {
        foreach (Match match in Name().Matches(text))
        {
            // The first word of a sentence is capitalised anyway: alone it is a name only where nothing but a list follows.
            var before = text.AsSpan(0, match.Index).TrimEnd();
            var startsSentence = before.IsEmpty || before[^1] is '.' or '!' or '?' or ':';
            var words = match.Value.Replace("'s", "", StringComparison.Ordinal).Replace("’s", "", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries).ToList();
            if (words.Count == 1 && startsSentence && !IsFollowedByList(text.AsSpan(match.Index + match.Length)))
                continue;
            while (words.Count > 0 && (_noNames.Contains(words[0]) || (startsSentence && OfflineWords.IsEmpty(words[0]))))
                words.RemoveAt(0);
            while (words.Count > 0 && _noNames.Contains(words[^1]))
                words.RemoveAt(words.Count - 1);
            if (words.Count == 0)
                continue;
            yield return string.Join(' ', words);
        }
    }

    // "Rome, Oslo and Lima please", "Rome?"
    private static bool IsFollowedByList(ReadOnlySpan<char> rest) =>
        rest.TrimStart() is var next && (next.IsEmpty || next[0] is ',' or '?' or '!' or '.' || next.StartsWith("and ") || next.StartsWith("or "));

    [GeneratedRegex("\"(?<text>[^\"]+)\"|“(?<text>[^”]+)”|«(?<text>[^»]+)»|(?<![\\p{L}\\d])'(?<text>[^']+)'(?![\\p{L}\\d])")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"(?<![\p{L}\d])\p{Lu}[\p{L}\d'’.\-]*[\p{L}\d](?: (?:(?:de|da|do|del|di|la|le|am|an der|of|upon|van|von|der|den) )?\p{Lu}[\p{L}\d'’\-]*)*")]
    private static partial Regex Name();

    [GeneratedRegex(@"(?<![\p{L}\d.,])-?\d+(?:[.,]\d+)?(?![\p{L}\d])")]
    private static partial Regex Number();
}
