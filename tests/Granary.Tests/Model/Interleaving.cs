namespace Granary.Tests.Model;

/// <summary>Makes a case that breaks something short enough to read.</summary>
internal static class Interleaving
{
    /// <summary>Leaves out moves as long as the same thing breaks: first many at a time, then one by one.</summary>
    public static Case Shorten(Case @case, RuleSet rules)
    {
        if (What(@case, rules) is not { } broken)
            return @case;
        var acts = @case.Acts;
        for (var size = acts.Length / 2; size > 0;)
        {
            var shorter = false;
            for (var at = 0; at < acts.Length; at += size)
            {
                Act[] rest = [.. acts[..at], .. acts[Math.Min(acts.Length, at + size)..]];
                if (What(@case with { Acts = rest }, rules) != broken)
                    continue;
                (acts, shorter) = (rest, true);
                at -= size;
            }

            if (!shorter)
                size /= 2;
        }

        return @case with { Acts = acts };
    }

    /// <summary>The scripts, the moves that count, and what came of them.</summary>
    public static string Tell(Case @case, RuleSet rules)
    {
        var shortest = Shorten(@case, rules);
        var verdict = Cluster.Play(shortest, rules, tellsStory: true);
        return $"{verdict.Broken ?? "nothing is broken"}\nr0: {shortest.Scripts[0]}\nr1: {shortest.Scripts[1]}\n{string.Join('\n', verdict.Story)}";
    }

    private static string? What(Case @case, RuleSet rules) => Cluster.Play(@case, rules).Broken?.Split(':')[0];
}
