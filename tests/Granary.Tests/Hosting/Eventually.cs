using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Granary.Tests.Hosting;

/// <summary>Waits for what another part of the system brings about. A deadline that passes shows the journal.</summary>
internal static class Eventually
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(15);

    public static Task TrueAsync(string dataPath, string what, Func<bool> condition) =>
        TrueAsync(dataPath, what, () => Task.FromResult(condition()));

    public static async Task TrueAsync(string dataPath, string what, Func<Task<bool>> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > _limit)
                Assert.Fail($"Not within {_limit.TotalSeconds} s: {what}.\n{Journal(dataPath)}");
            await Task.Delay(_pause, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Awaits a task that must complete; one that doesn't shows the journal.</summary>
    public static async Task DoneAsync(string dataPath, string what, Task task)
    {
        try
        {
            await task.WaitAsync(_limit, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            Assert.Fail($"Not within {_limit.TotalSeconds} s: {what}.\n{Journal(dataPath)}");
        }
    }

    /// <summary>The journals of a database, as text.</summary>
    public static string Journal(string dataPath)
    {
        var runs = TestData.Query(dataPath, "select id, workflow, status, waiting_on, owner, error_code from granary_runs_v");
        var rows = TestData.Query(dataPath, """
            select v.run_id, j.seq, j.epoch, j.kind, j.step_key, j.step_kind, j.name, j.attempt, j.error, v.committed_at
            from granary_journal j join granary_journal_v v on v.run_key = j.run_key and v.seq = j.seq order by j.run_key, j.seq
            """);
        return string.Join('\n', runs.Concat(rows).Take(400).Select(row =>
            string.Join("  ", row.Select(v => v is null ? "-" : Convert.ToString(v, CultureInfo.InvariantCulture)))));
    }
}
