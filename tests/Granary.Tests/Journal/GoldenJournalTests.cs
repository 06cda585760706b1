using System.Diagnostics;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Journal;

/// <summary>Databases that older builds wrote open, migrate, finish and replay in this one.</summary>
[Trait("Speed", "Slow")]
public sealed class GoldenJournalTests
{
    private static readonly string _golden = Path.Combine(Repository.Root, "tests", "Golden");

    public static TheoryData<string> Names => [.. Directory.EnumerateFiles(_golden, "*.db").Select(f => Path.GetFileName(f)).Order()];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task a_journal_of_an_older_build_is_finished_and_replayed(string name)
    {
        var path = TestData.NewPath();
        var original = path + ".original";
        var effects = path + ".effects";
        File.Copy(Path.Combine(_golden, name), path);
        File.Copy(path, original);

        Assert.Contains("result 15\n", await RunAsync("five", "golden-done", path, effects), StringComparison.Ordinal);
        Assert.Contains("result 1 10,11,12 2 True\n", await RunAsync("mixed", "golden-cut", path, effects), StringComparison.Ordinal);

        const string doneRows = "select seq, kind from granary_journal_v where run_id = 'golden-done' order by seq";
        Assert.Equal(TestData.Query(original, doneRows), TestData.Query(path, doneRows));
        Assert.Equal(
            [["golden-cut", "succeeded"], ["golden-done", "succeeded"], ["golden-sleeper", "open"]],
            TestData.Query(path, "select id, case when completed_at is null then 'open' else status end from granary_runs_v order by id"));

        // What the older build had recorded was not done again.
        var recorded = TestData.Query(original, "select idempotency_key from granary_steps_v where outcome = 'succeeded'").Select(r => r[0]).ToHashSet();
        Assert.NotEmpty(recorded);
        Assert.DoesNotContain(File.ReadLines(effects), line => recorded.Contains(line.Split(' ')[0]));
        Invariants.AssertHold(path);
        TestData.Delete(path);
    }

    private static async Task<string> RunAsync(string workflow, string id, string data, string effects)
    {
        var configuration = Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var host = Path.Combine(Repository.Root, "artifacts", "bin", "Granary.CrashHost", configuration, "Granary.CrashHost");
        using var process = Process.Start(new ProcessStartInfo(host, [workflow, id, data, effects]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode == 0 ? output : $"exit {process.ExitCode}: {output}{await error}";
    }
}
