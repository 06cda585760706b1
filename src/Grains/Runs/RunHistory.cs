using System.Text.Json;
using Granary.Engine;
using Granary.Journal;

namespace Granary.Runs;

/// <summary>A run's recorded past, as replay needs it: outcomes in their order, and what is known of each step.</summary>
internal sealed class RunHistory
{
    private readonly Dictionary<string, StepRecord> _steps = new(StringComparer.Ordinal);

    /// <summary>The past of a run that has just started.</summary>
    public static RunHistory Empty { get; } = new();

    /// <summary>Outcomes in the order in which the code got them.</summary>
    public List<JournalRow> Outcomes { get; } = [];

    /// <summary>The signals that were accepted, in their order.</summary>
    public List<JournalRow> Signals { get; } = [];

    /// <summary>How many signals of a topic waits were answered with.</summary>
    public Dictionary<string, int> SignalsRead { get; } = new(StringComparer.Ordinal);

    /// <summary>Somebody asked that the run be cancelled, and it hasn't been yet.</summary>
    public JournalRow? CancelRequested { get; private set; }

    /// <summary>
    /// Whether something was recorded behind the last outcome that the code got: then it had used that outcome up, and
    /// told the world what it tells between that and its next rest.
    /// </summary>
    public bool IsPastLastOutcome { get; private set; }

    /// <summary>How many owners in a row died since the last fact of a step.</summary>
    public int DeathsSinceProgress { get; private set; }

    /// <summary>How long the run may take, as its start said.</summary>
    public TimeSpan? Timeout { get; private set; }

    /// <summary>When the start was committed: the run's clock begins there.</summary>
    public DateTimeOffset StartedAt { get; private set; }

    public StepRecord? Find(StepKey key) => _steps.GetValueOrDefault(key.Value);

    public void Add(JournalRow row)
    {
        if (row.Kind is not (FactKind.Started or FactKind.Claimed or FactKind.SignalReceived or FactKind.CancelRequested or FactKind.Resumed))
            IsPastLastOutcome = !FactKind.IsOutcome(row.Kind) || row.StepKind == StepKinds.Random;
        switch (row.Kind)
        {
            case FactKind.Started:
                StartedAt = row.CommittedAt;
                Timeout = row.Input is { } limit ? JsonSerializer.Deserialize<RunLimit>(PayloadCodec.Decode(limit), GranaryJson.Own)!.Timeout : null;
                break;
            case FactKind.Claimed:
                if (row.Attempt > 0)
                    DeathsSinceProgress++;
                break;
            case FactKind.StepSucceeded or FactKind.StepFailed:
                DeathsSinceProgress = 0;
                Step(row).Outcome = row;
                if (row is { StepKind: StepKinds.Signal, Kind: FactKind.StepSucceeded, Output: not null })
                    SignalsRead[row.Name!] = SignalsRead.GetValueOrDefault(row.Name!) + 1;

                // A draw answers its caller at once, so it has no place among what is handed out.
                if (row.StepKind != StepKinds.Random)
                    Outcomes.Add(row);
                break;
            case FactKind.StepRetried:
                DeathsSinceProgress = 0;
                Step(row).Retried.Add(row);
                break;
            case FactKind.TimerStarted or FactKind.WaitStarted:
                DeathsSinceProgress = 0;
                Step(row).Timer = row;
                break;
            case FactKind.StepRunning:
                Step(row);
                break;
            case FactKind.SignalReceived:
                Signals.Add(row);
                break;
            case FactKind.CancelRequested:
                CancelRequested = row;
                break;
            case FactKind.Resumed:
                CancelRequested = null;
                DeathsSinceProgress = 0;
                break;
        }
    }

    private StepRecord Step(JournalRow row)
    {
        if (!_steps.TryGetValue(row.StepKey!, out var record))
            _steps.Add(row.StepKey!, record = new StepRecord(row));
        return record;
    }

    public static RunError ReadError(byte[] error) => JsonSerializer.Deserialize<RunError>(error, GranaryJson.Own)!;

    public static byte[] WriteError(RunError error) => JsonSerializer.SerializeToUtf8Bytes(error, GranaryJson.Own);
}

/// <summary>What the journal knows of one step.</summary>
/// <param name="first">Its first row.</param>
internal sealed class StepRecord(JournalRow first)
{
    public string Kind { get; } = first.StepKind!;

    public string Name { get; } = first.Name!;

    public byte[]? Fingerprint => Outcome?.Fingerprint ?? first.Fingerprint;

    public JournalRow? Outcome { get; set; }

    public JournalRow? Timer { get; set; }

    public List<JournalRow> Retried { get; } = [];
}

/// <summary>What a start keeps for the first execution, and for a resume.</summary>
internal sealed record RunLimit(TimeSpan Timeout);
