using System.Globalization;
using Granary.Tests.Hosting;

namespace Granary.Tests.Crashes;

/// <summary>A row of the journal, as its view shows it.</summary>
internal sealed record Fact(long Seq, long Epoch, string Kind, string? Key);

/// <summary>An attempt of a step, as its view shows it.</summary>
internal sealed record Attempt(string Key, string Kind, long Number, string Outcome, TimeSpan? Took);

/// <summary>
/// What a database held when its process was gone. Read from a copy, so that the file which the next process finds is
/// the one that the kill left, unfinished log and all.
/// </summary>
internal sealed class Snapshot
{
    public static Snapshot Empty { get; } = new();

    public IReadOnlyList<Fact> Facts { get; private init; } = [];

    public IReadOnlyList<Attempt> Attempts { get; private init; } = [];

    /// <summary>What breaks the journal's invariants.</summary>
    public IReadOnlyList<string> Broken { get; private init; } = [];

    public string? Status { get; private init; }

    public string? Output { get; private init; }

    public string? ErrorCode { get; private init; }

    public bool IsCompleted { get; private init; }

    public long RecoveryAttempts { get; private init; }

    public bool HasRun => Facts.Count > 0;

    public bool HasEnd => Facts.Any(f => f.Kind is "Succeeded" or "Failed" or "Cancelled" or "Poisoned");

    /// <summary>The process's end is awaited first.</summary>
    public static Snapshot Of(string dataPath)
    {
        if (!File.Exists(dataPath))
            return Empty;
        var copy = TestData.NewPath();
        try
        {
            foreach (var suffix in (string[])["", "-wal", "-journal"])
            {
                if (File.Exists(dataPath + suffix))
                    File.Copy(dataPath + suffix, copy + suffix);
            }

            return Read(copy);
        }
        finally
        {
            TestData.Delete(copy);
        }
    }

    public bool HasOutcome(string key) => Facts.Any(f => f.Key == key && f.Kind is "StepSucceeded" or "StepFailed");

    public int Retries(string key) => Facts.Count(f => f.Key == key && f.Kind == "StepRetried");

    private static Snapshot Read(string path)
    {
        if (TestData.Query(path, "select 1 from sqlite_master where name = 'granary_steps_v'").Count == 0)
            return Empty;
        var run = TestData.Query(path, "select status, output, error_code, completed_at, recovery_attempts from granary_runs_v").SingleOrDefault();
        return new Snapshot
        {
            Facts = [.. TestData.Query(path, "select seq, epoch, kind, step_key from granary_journal_v order by seq")
                .Select(r => new Fact(Number(r[0]), Number(r[1]), (string)r[2]!, (string?)r[3]))],
            Attempts = [.. TestData.Query(path, "select step_key, kind, attempt, outcome, started_at, ended_at from granary_steps_v order by seq")
                .Select(r => new Attempt((string)r[0]!, (string)r[1]!, Number(r[2]), (string)r[3]!, r[5] is null ? null : Time(r[5]) - Time(r[4])))],
            Broken = Invariants.Broken(path),
            Status = (string?)run?[0],
            Output = (string?)run?[1],
            ErrorCode = (string?)run?[2],
            IsCompleted = run?[3] is not null,
            RecoveryAttempts = run is null ? 0 : Number(run[4]),
        };
    }

    private static DateTimeOffset Time(object? value) => DateTimeOffset.Parse((string)value!, CultureInfo.InvariantCulture);

    private static long Number(object? value) => Convert.ToInt64(value, CultureInfo.InvariantCulture);
}
