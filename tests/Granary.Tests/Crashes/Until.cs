using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>Waits for what another process does and no line of it tells.</summary>
internal static class Until
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(20);

    public static async Task TrueAsync(Func<bool> holds, ChildProcess child)
    {
        var giveUp = DateTimeOffset.UtcNow + ChildProcess.Deadline;
        while (!holds())
        {
            if (DateTimeOffset.UtcNow > giveUp)
                throw new TimeoutException($"Process {child.Pid} didn't get there in time.\n{child.Story()}");
            await Task.Delay(_look, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until a body has begun.</summary>
    public static Task BegunAsync(KilledRun run, ChildProcess child, string key) =>
        TrueAsync(() => run.Effects.Any(e => e.Begins && e.Key == key), child);
}
