using System.Diagnostics;
using Granary.Activities;
using Granary.Engine;
using Granary.Journal;

namespace Granary.Runs;

/// <summary>A step that the run's code has asked for in this activation.</summary>
internal abstract class StepSlot
{
    protected StepSlot(StepKey key, string kind, string name, StepRecord? record)
    {
        Key = key;
        Kind = kind;
        Name = name;
        Record = record;
        if (record is not null)
        {
            foreach (var row in record.Retried)
            {
                Failures.Add(RunHistory.ReadError(row.Error!));
                FirstStart ??= row.StartedAt;
                Attempt = row.Attempt + 1;
                Due = row.DueAt;
            }

            if (record.Timer is { } timer)
            {
                Due = timer.DueAt;
                StartedAt = timer.StartedAt ?? timer.CommittedAt;
            }
        }
    }

    public StepKey Key { get; }

    public string Kind { get; }

    public string Name { get; }

    /// <summary>What an earlier activation recorded.</summary>
    public StepRecord? Record { get; }

    /// <summary>Its place among what this activation's code has asked for.</summary>
    public int Order { get; set; }

    public byte[]? Fingerprint { get; init; }

    public Payload? Input { get; init; }

    /// <summary>The attempt that runs or comes next, from 0.</summary>
    public int Attempt { get; set; }

    /// <summary>The failures of the attempts before it.</summary>
    public List<RunError> Failures { get; } = [];

    /// <summary>When attempt 0 began.</summary>
    public DateTimeOffset? FirstStart { get; set; }

    /// <summary>When this attempt began.</summary>
    public DateTimeOffset StartedAt { get; set; }

    /// <summary>What a timer or the next attempt waits for.</summary>
    public DateTimeOffset? Due { get; set; }

    /// <summary>Whether it only waits: for its time, or for a message.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>Whether the outcome of a wait is on its way.</summary>
    public bool IsAnswered { get; set; }

    /// <summary>Whether its body waits for a silo of its role.</summary>
    public bool IsWaitingForSilo { get; set; }

    /// <summary>Whether the code has its answer.</summary>
    public bool IsDone { get; protected set; }

    /// <summary>The span of the execution; none for a step that was answered from its record.</summary>
    public Activity? Span { get; set; }

    /// <summary>The step's retries; null where nothing is retried.</summary>
    public virtual RetryOptions? RetryOptions => null;

    /// <summary>Whether it does outside work; the others only wait, or set something down.</summary>
    public virtual bool HasBody => false;

    /// <summary>Whether a message ends its wait, which may come at any moment.</summary>
    public virtual bool IsForMessage => false;

    /// <summary>Whether the beginning of the wait must be recorded, and isn't yet.</summary>
    public virtual bool MustBegin => false;

    /// <summary>Starts the attempt's body.</summary>
    public virtual void Start(RunLoop loop, RunServices shared) => throw new NotSupportedException($"A {Kind} has no body.");

    /// <summary>The row that says that the wait has begun.</summary>
    public virtual JournalRow Begin(int epoch) => throw new NotSupportedException($"A {Kind} doesn't wait.");

    /// <summary>What is written beside that row, or beside the outcome of a step that neither waits nor has a body.</summary>
    public virtual SideRow? Side(RunRow run) => null;

    /// <summary>The outcome of a step that neither waits nor has a body; null for the others.</summary>
    public virtual byte[]? TakeInstant() => null;

    /// <summary>The outcome when the wait's time has come, and what is written beside it.</summary>
    public virtual (byte[]? Outcome, SideRow? Side) TimedOut(DateTimeOffset now) => (null, null);

    /// <summary>Makes the code's wait for it throw.</summary>
    public abstract void Cancel(Exception exception);

    /// <summary>Gives the code the recorded outcome.</summary>
    public abstract void Deliver(JournalRow outcome, PayloadCodec codec);
}

/// <inheritdoc/>
internal class StepSlot<T> : StepSlot
{
    // Without RunContinuationsAsynchronously: it is completed by the pump, and the code's continuation is queued on the
    // run's scheduler, which the pump drains next.
    private readonly TaskCompletionSource<T> _answer = new();
    private readonly StepCall<T>? _call;

    public StepSlot(StepKey key, StepCall<T> call, StepRecord? record)
        : base(key, call.Kind, call.Name, record) => _call = call;

    public StepSlot(StepKey key, string kind, string name, StepRecord? record)
        : base(key, kind, name, record)
    {
    }

    public StepCall<T> Call => _call!;

    public Task<T> Answer => _answer.Task;

    /// <summary>The value as it was read back when it was written; spares reading it a second time.</summary>
    public (T? Value, bool Has) ReadBack { get; set; }

    public override bool HasBody => _call is not null;

    public override RetryOptions? RetryOptions => _call?.Options.Retry;

    public override void Start(RunLoop loop, RunServices shared) => StepBody.Start(this, loop, shared);

    public override void Cancel(Exception exception)
    {
        IsDone = true;
        _answer.TrySetException(exception);
    }

    public override void Deliver(JournalRow outcome, PayloadCodec codec)
    {
        if (IsDone)
            return;
        IsDone = true;
        if (outcome.Kind == FactKind.StepFailed)
        {
            var error = RunHistory.ReadError(outcome.Error!);
            RunError[] attempts = [.. Failures, error];
            _answer.SetException(error.Code == "GRN1302"
                ? new StepTimeoutException(Key, Name, error, attempts)
                : new StepFailedException(Key, Name, error, attempts));
            return;
        }

        if (ReadBack.Has)
        {
            _answer.SetResult(ReadBack.Value!);
            return;
        }

        try
        {
            _answer.SetResult(outcome.Output is null ? default! : Read(PayloadCodec.Decode(outcome.Output), codec)!);
        }
        catch (PayloadException e)
        {
            _answer.SetException(e);
        }
    }

    /// <summary>Reads a recorded outcome.</summary>
    protected virtual T? Read(byte[] output, PayloadCodec codec) => codec.Values.Read<T>(output, $"The outcome of step '{Name}' ({Key})", _call?.Json);
}
