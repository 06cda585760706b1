namespace Granary.Tests.Crashes;

/// <summary>What a run that was killed must never show. Empty lists are the proof; the broken build shows that they can fill.</summary>
internal static class Violations
{
    /// <summary>The rules that hold for any program and any workflow.</summary>
    public static IReadOnlyList<string> Of(KilledRun run) =>
    [
        .. run.Parts.SelectMany(p => p.After.Broken),
        .. run.Parts.SelectMany(JournalKept),
        .. run.Parts.SelectMany(Acknowledged),
        .. Once(run),
    ];

    /// <summary>A body begins only when the outcomes that its code had waited for are stored.</summary>
    /// <param name="run">The run.</param>
    /// <param name="before">The steps that come before a step, by its key.</param>
    public static IReadOnlyList<string> OfOrder(KilledRun run, Func<string, IEnumerable<string>> before) =>
    [
        .. from effect in run.Effects
           where effect.Begins
           let part = run.Parts.Single(p => p.Pid == effect.Pid)
           from key in before(effect.Key)
           where !part.After.HasOutcome(key)
           select $"ORDER: {effect.Key} began in process {effect.Pid} while the outcome of {key} wasn't stored",
    ];

    /// <summary>A process only adds to what it found.</summary>
    private static IEnumerable<string> JournalKept(Part part)
    {
        if (!part.After.Facts.Take(part.Before.Facts.Count).SequenceEqual(part.Before.Facts))
            yield return $"KEPT: process {part.Pid} changed facts that were there before it";
    }

    private static IEnumerable<string> Acknowledged(Part part)
    {
        if (part.Lines.Any(l => l.StartsWith("acknowledged", StringComparison.Ordinal)) && !part.After.HasRun)
            yield return $"ACKNOWLEDGED: process {part.Pid} told of a start that isn't stored";
        if (part.Lines.Any(l => l.StartsWith("result", StringComparison.Ordinal)) && !part.After.HasEnd)
            yield return $"ACKNOWLEDGED: process {part.Pid} told of a result that isn't stored";
    }

    private static IEnumerable<string> Once(KilledRun run)
    {
        var effects = run.Effects;
        if (effects.Select(e => e.Journal).Distinct().Count() > 1)
            yield return "ONCE: bodies ran for more than one journal";
        foreach (var part in run.Parts)
        {
            foreach (var begins in effects.Where(e => e.Pid == part.Pid && e.Begins).GroupBy(e => e.Key))
            {
                if (part.Before.HasOutcome(begins.Key))
                    yield return $"ONCE: {begins.Key} began again in process {part.Pid} after its outcome was stored";

                // A cut off body runs again as the same attempt; only a recorded failure counts one up.
                var expected = Enumerable.Range(part.Before.Retries(begins.Key), begins.Count());
                if (!begins.Select(b => b.Attempt).SequenceEqual(expected))
                    yield return $"ATTEMPT: {begins.Key} began in process {part.Pid} as {string.Join(',', begins.Select(b => b.Attempt))}, not as {string.Join(',', expected)}";
                foreach (var attempt in begins.Where(b => b.Attempt > 0 && part.After.Retries(begins.Key) < b.Attempt))
                    yield return $"ATTEMPT: {begins.Key} began attempt {attempt.Attempt} in process {part.Pid} while the failure before it wasn't stored";
            }
        }

        foreach (var attempt in run.Last.After.Attempts.Where(a => a.Took < TimeSpan.Zero || a.Took > TimeSpan.FromHours(1)))
            yield return $"TIMES: {attempt.Key} took {attempt.Took}";
        foreach (var key in run.Last.After.Attempts.GroupBy(a => (a.Key, a.Number)).Where(g => g.Count() > 1))
            yield return $"ONCE: attempt {key.Key.Number} of {key.Key.Key} has {key.Count()} rows";
    }
}
