using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>The calls that answer a question, and the tools that fit it but lack a value.</summary>
internal sealed record OfflinePlan(IReadOnlyList<OfflineCall> Calls, IReadOnlyList<OfflineGap> Gaps)
{
    public static OfflinePlan For(OfflineQuestion question, IList<AIFunctionDeclaration> tools)
    {
        var calls = new List<OfflineCall>();
        var gaps = new List<OfflineGap>();
        foreach (var tool in Fitting(question, tools).OrderBy(t => tools.IndexOf(t)))
        {
            var arguments = OfflineArguments.For(question, tool);
            calls.AddRange(arguments.Sets.Select(a => new OfflineCall(tool.Name, a)));
            if (arguments.Missing is { } missing)
                gaps.Add(new(tool.Name, missing));
        }

        return new(calls, gaps);
    }

    /// <summary>The best tool, then the best for the words that it leaves over, until none shares a word with the question.</summary>
    private static IEnumerable<AIFunctionDeclaration> Fitting(OfflineQuestion question, IList<AIFunctionDeclaration> tools)
    {
        var open = question.Words.Except(question.Named.SelectMany(OfflineWords.Of), StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);
        var left = tools.ToList();
        while (left.Count > 0)
        {
            var (best, words, score) = left.Select(t => Match(t, open)).MaxBy(m => m.Score);
            if (score == 0)
                yield break;
            yield return best;
            left.Remove(best);
            open.ExceptWith(words);
        }
    }

    private static (AIFunctionDeclaration Tool, IReadOnlyList<string> Words, int Score) Match(AIFunctionDeclaration tool, HashSet<string> open)
    {
        // What a parameter is called tells what a tool needs, not what it is for: "Which city is largest?" is no weather.
        var needs = OfflineParameter.Of(tool).SelectMany(p => OfflineWords.Of(p.Name)).ToHashSet(StringComparer.Ordinal);
        var name = OfflineWords.Of(tool.Name).Where(open.Contains).ToList();
        var description = OfflineWords.Of(tool.Description).Where(w => open.Contains(w) && !needs.Contains(w)).Except(name).ToList();
        return (tool, [.. name, .. description], (3 * name.Count) + description.Count);
    }
}

/// <summary>One call.</summary>
internal sealed record OfflineCall(string Tool, Dictionary<string, object?> Arguments);

/// <summary>A tool that fits the question, and the parameter that nothing in the question fills.</summary>
internal sealed record OfflineGap(string Tool, OfflineParameter Parameter);
