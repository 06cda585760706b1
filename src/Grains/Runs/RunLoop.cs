using System.Collections.Concurrent;
using System.Diagnostics;
using Granary.Activities;
using Granary.Approvals;
using Granary.Engine;
using Granary.Grains;
using Granary.Journal;
using Granary.Signals;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Granary.Runs;

/// <summary>
/// Executes a run's code under one claim. All decisions are made in the pump, on the grain's scheduler; bodies, timers
/// and the writer only leave messages for it and wake it.
/// </summary>
/// <remarks>
/// The pump hands out one outcome at a time, in the order of the journal, and lets the code use it up before the next:
/// so replay takes the same turns as the live run did. Bodies start only when the code has come to rest and all that is
/// recorded was handed out.
/// </remarks>
internal sealed partial class RunLoop
{
    /// <summary>Code that takes no notice of its cancellation would ask for ever, and hold its thread: then it is left where it stands.</summary>
    private const int MaxRefusals = 1_000;

    private static readonly TimeSpan _siblingGrace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _stallLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _shortWait = TimeSpan.FromSeconds(1);

    private readonly RunServices _shared;
    private readonly RunRow _row;
    private readonly RunJournal _journal;
    private readonly RunHistory _history;
    private readonly object? _input;
    private readonly bool _isReadOnly;
    private readonly TaskScheduler _grain;
    private readonly ILogger _logger;
    private readonly AsyncServiceScope _scope;
    private readonly RunVerbs _verbs;
    private readonly CancellationTokenSource _bodies = new();
    private readonly Dictionary<string, StepSlot> _slots = new(StringComparer.Ordinal);
    private readonly List<StepSlot> _held = [];
    private readonly ConcurrentQueue<RunMessage> _messages = new();
    private readonly Queue<JournalRow> _fresh = new();
    private readonly RunAppends _appends;
    private readonly StepTimers _timers;
    private readonly RunSpans _spans;
    private readonly Mailbox _mail;
    private readonly TaskCompletionSource _caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<RunEnd?> _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private State _state = State.Running;
    private Task<byte[]>? _code;
    private object? _workflow;
    private ITimer? _alarm;
    private ITimer? _deadline;
    private RunWait? _shown;
    private DateTimeOffset? _restsSince;
    private int _cursor;
    private int _pumpQueued;
    private int _pumpThread;
    private long _pumpSince;
    private int _running;
    private int _draws;
    private int _siloless;
    private volatile bool _showsWaiting;
    private bool _givesSiblingsUp;
    private bool _isCatchingUp;
    private NondeterminismException? _divergence;
    private Ending? _ending;
    private JournalRow? _cancelRequest;
    private bool _isCancelled;
    private int _refused;
    private int _asked;

    public RunLoop(RunServices shared, RunRow row, RunJournal journal, RunHistory history, DateTimeOffset startedAt, WorkflowDescriptor descriptor, object? input, TaskScheduler grain, bool isReadOnly = false)
    {
        _isReadOnly = isReadOnly;
        _shared = shared;
        _row = row;
        _journal = journal;
        _history = history;
        _isCatchingUp = history.IsPastLastOutcome;
        _mail = Mailbox.Of(history);
        _cancelRequest = history.CancelRequested;
        _appends = new RunAppends(shared.Writer, journal, (append, outcome) => Post(new RunMessage(RunMessageKind.Appended) { Append = append, Outcome = outcome }));
        _timers = new StepTimers(shared.Time, slot => Post(new RunMessage(RunMessageKind.TimerFired) { Slot = slot }));
        _spans = new RunSpans(row);
        _input = input;
        _grain = grain;
        _logger = shared.Loggers.CreateLogger<RunLoop>();
        _scope = shared.Root.CreateAsyncScope();
        Descriptor = descriptor;
        RunId = new RunId(row.Id);
        Now = startedAt;
        Scheduler = new RunScheduler(Wake);
        _verbs = new RunVerbs(this, shared, new RunScopeServices(_scope.ServiceProvider, shared.Loggers, () => IsReplaying, RunId));
    }

    private enum State
    {
        /// <summary>The code runs.</summary>
        Running,

        /// <summary>The last row is decided; siblings and own facts are waited for.</summary>
        Ending,

        /// <summary>The last row is on its way.</summary>
        Finishing,

        /// <summary>Nothing of this activation can be recorded any more.</summary>
        Gone,
    }

    public RunId RunId { get; }

    public long Key => _row.Key;

    public int Epoch => _journal.Epoch;

    public WorkflowDescriptor Descriptor { get; }

    public RunScheduler Scheduler { get; }

    public RunInfo Info => RunRows.ToInfo(_row);

    /// <summary>The run's clock.</summary>
    public DateTimeOffset Now { get; private set; }

    /// <summary>Until the code has come to where the last activation left it.</summary>
    public bool IsReplaying => HasRecorded || _isCatchingUp;

    private bool HasRecorded => _cursor < _history.Outcomes.Count;

    /// <summary>Whether the run will end as cancelled.</summary>
    public bool HasCancelRequest => _cancelRequest is not null;

    /// <summary>Whether the run's code is being told that its run is cancelled.</summary>
    public bool IsCancelled => _isCancelled;

    /// <summary>Fires when bodies must stop: the run ends, or this process lost it.</summary>
    public CancellationToken BodyToken => _bodies.Token;

    public CancellationToken CodeToken => _bodies.Token;

    /// <summary>Completes when this activation has nothing more to do for the run: with its end, or with null.</summary>
    public Task<RunEnd?> Gone => _gone.Task;

    /// <summary>When a keeper must wake the run that this activation has parked.</summary>
    public DateTimeOffset? ParkedUntil { get; private set; }

    /// <summary>For how long the code has held its thread without coming to rest.</summary>
    public TimeSpan Busy => Volatile.Read(ref _pumpSince) is > 0 and var since ? TimeSpan.FromMilliseconds(Environment.TickCount64 - since) : TimeSpan.Zero;

    /// <summary>Called after each commit, on any thread.</summary>
    public Action? Committed { get; set; }

    public void Start()
    {
        if (_isReadOnly)
            _appends.Seal();
        else
            _shared.Running.Add(_row.Id, this);
        if (_row.Deadline is not null && !_isReadOnly)
            ArmDeadline();
        Wake();
    }

    /// <summary>Ends this activation of the run in good order: the run is left for the next one to claim, and nothing is charged.</summary>
    public Task ReleaseAsync()
    {
        Post(new RunMessage(RunMessageKind.Release));
        return _gone.Task;
    }

    /// <summary>A task that never completes: what the code of a run that stopped is left with.</summary>
    public Task<T> Never<T>() => new TaskCompletionSource<T>().Task;

    /// <summary>Answers a step from its record, or holds it until the code has come to rest.</summary>
    public Task<T> Request<T>(StepCall<T> call, StepKey key)
    {
        if (Refusal<T>() is { } refusal)
            return refusal;
        var record = _history.Find(key);
        var slot = new StepSlot<T>(key, call, record)
        {
            Fingerprint = Fingerprints.Of(call.Kind, call.Name, call.Fingerprint),
            Input = call.Input is null ? null : _shared.Codec.Encode(call.Input),
        };
        return Admit(slot) ? slot.Answer : Never<T>();
    }

    public Task<None> RequestTimer(StepKey key, DateTimeOffset due)
    {
        if (Refusal<None>() is { } refusal)
            return refusal;
        var slot = new TimerSlot(key, _history.Find(key));
        slot.Due ??= due;
        return Admit(slot) ? slot.Answer : Never<None>();
    }

    /// <summary>Waits for a signal; with a limit, which counts from the run's clock, the answer may be null.</summary>
    public Task<Signal<T>?> RequestSignal<T>(StepKey key, string topic, DateTimeOffset? due)
    {
        if (Refusal<Signal<T>?>() is { } refusal)
            return refusal;
        var slot = new SignalSlot<T>(key, topic, _history.Find(key));
        slot.Due ??= due;
        return Admit(slot) ? slot.Answer : Never<Signal<T>?>();
    }

    /// <summary>Asks people.</summary>
    public Task<Approval<T>> RequestApproval<T>(StepKey key, ApprovalCall<T> call, DateTimeOffset? due)
    {
        if (Refusal<Approval<T>>() is { } refusal)
            return refusal;
        var slot = new ApprovalSlot<T>(key, call, _row, _shared.Codec, _history.Find(key));
        slot.Due ??= due;
        return Admit(slot) ? slot.Answer : Never<Approval<T>>();
    }

    /// <summary>Sets a named value down for others to read.</summary>
    public Task<None> RequestEvent<T>(StepKey key, string name, T value)
    {
        if (Refusal<None>() is { } refusal)
            return refusal;
        var json = _shared.Codec.Values.Write(value, $"The event '{name}' of run '{RunId}'");
        var slot = new EventSlot(key, name, json, _shared.Codec, _history.Find(key));
        return Admit(slot) ? slot.Answer : Never<None>();
    }

    /// <summary>What code is given that must not go on: nothing where it stopped for good, an exception where its run is cancelled.</summary>
    private Task<T>? Refusal<T>() =>
        _state != State.Running || _divergence is not null ? Never<T>()
        : !_isCancelled ? null
        : ++_refused > MaxRefusals ? Never<T>() : Task.FromException<T>(CancellationException());

    /// <summary>Whether the journal has a step at a place where the code now asks for something else; that stops the run.</summary>
    public bool IsStep(StepKey key, string requested)
    {
        if (_history.Find(key) is not { } record)
            return false;
        Diverge(key, $"{record.Kind} '{record.Name}'", requested);
        return true;
    }

    /// <summary>The kind of the step that the journal has at a place; null where it has none.</summary>
    public string? RecordedKind(StepKey key) => _history.Find(key)?.Kind;

    public T Draw<T>(StepKey key, string kind, string name, Func<T> draw)
    {
        if (_isCancelled)
            throw CancellationException();
        var what = $"The draw '{name}' ({key})";
        if (_history.Find(key) is { } record)
        {
            if (record.Kind != kind || record.Name != name || record.Outcome is null)
            {
                Diverge(key, $"{record.Kind} '{record.Name}'", $"{kind} '{name}'");
                throw _divergence!;
            }

            return _shared.Codec.Values.Read<T>(PayloadCodec.Decode(record.Outcome.Output!), what)!;
        }

        var value = draw();
        var slot = new StepSlot<T>(key, kind, name, null) { StartedAt = _shared.Time.GetUtcNow() };
        var row = StepRows.Succeeded(slot, Epoch, _shared.Codec.Encode(_shared.Codec.Values.Write(value, what)));
        Interlocked.Increment(ref _draws);
        if (!TryAppend([row], null, null))
            Interlocked.Decrement(ref _draws);
        return value;
    }

    public Activity? StartSpan(StepSlot slot) => _spans.StartStep(slot);

    public void BodySucceeded(StepSlot slot, Payload output)
    {
        Interlocked.Decrement(ref _running);
        if (TryAppend([StepRows.Succeeded(slot, Epoch, output)], LeaveWaiting(), slot))
        {
            // The commit wakes the pump; until then there is nothing to do for it.
            return;
        }

        RunSpans.EndStep(slot, null);
        Wake();
    }

    public void BodyFailed(StepSlot slot, Exception failure) => Post(new RunMessage(RunMessageKind.BodyFailed) { Slot = slot, Failure = failure });

    /// <summary>A body that can't begin, or go on, because no silo has its role; and when one has.</summary>
    public void BodyWaitsForSilo(StepSlot slot, bool waits) => Post(new RunMessage(waits ? RunMessageKind.SiloMissing : RunMessageKind.SiloFound) { Slot = slot });

    /// <summary>Makes a long call visible. Never awaited: nothing depends on the row.</summary>
    public void BodyIsLong(StepSlot slot) => TryAppend([StepRows.Running(slot, Epoch)], LeaveWaiting(), null);

    private void Post(RunMessage message)
    {
        _messages.Enqueue(message);
        Wake();
    }

    private void Wake()
    {
        if (_pumpThread == Environment.CurrentManagedThreadId || Interlocked.Exchange(ref _pumpQueued, 1) == 1)
            return;

        // Whoever wakes the pump must not lend it their ambient values.
        using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
            _ = Task.Factory.StartNew(static loop => ((RunLoop)loop!).Pump(), this, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _grain);
    }

    private void Pump()
    {
        Volatile.Write(ref _pumpQueued, 0);
        Interlocked.MemoryBarrier();
        if (_state == State.Gone)
            return;
        _pumpThread = Environment.CurrentManagedThreadId;
        Volatile.Write(ref _pumpSince, Environment.TickCount64);
        try
        {
            _code ??= Task.Factory.StartNew(RunCodeAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler).Unwrap();
            while (_state != State.Gone)
            {
                var progress = TakeMessages();
                if (_state == State.Running)
                {
                    progress |= Scheduler.Drain() > 0;
                    if (_state != State.Running)
                        continue;
                    if (progress)
                        _restsSince = null;
                    if (_divergence is not null)
                        StopDiverged(_divergence);
                    else if (_code.IsCompleted)
                        EndWithCode();
                    else
                        progress |= HandOut();
                }

                if (progress)
                    continue;
                if (_state == State.Running && AtRest())
                    continue;
                if (_state == State.Ending)
                    TryFinish();

                // What this turn itself caused doesn't wake the pump.
                if (_messages.IsEmpty)
                    return;
            }
        }
        catch (Exception e)
        {
            LogBug(e, _row.Id);
            Drop();
        }
        finally
        {
            Volatile.Write(ref _pumpSince, 0);
            _pumpThread = 0;
        }
    }

    private async Task<byte[]> RunCodeAsync()
    {
        var context = new WorkflowContext(_verbs);
        AmbientRun.Enter(new RunFlow(_verbs, context, StepScope.Root()));
        if (!_isReadOnly)
            _spans.Start(Epoch);
        _workflow = Descriptor.Create(_verbs.Services);
        return await Descriptor.RunAsync(_workflow, context, _input, new ResultWriter(_shared.Codec, _row)).ConfigureAwait(true);
    }

    private bool Admit(StepSlot slot)
    {
        if (slot.Record is { } record)
        {
            if (record.Kind != slot.Kind || record.Name != slot.Name)
            {
                Diverge(slot.Key, $"{record.Kind} '{record.Name}'", $"{slot.Kind} '{slot.Name}'");
                return false;
            }

            if (record.Fingerprint is { } recorded && slot.Fingerprint is { } requested && !recorded.AsSpan().SequenceEqual(requested))
            {
                if (_shared.Options.StrictReplay)
                {
                    Diverge(slot.Key, $"{record.Kind} '{record.Name}' with another input", $"{slot.Kind} '{slot.Name}'");
                    return false;
                }

                LogInputDiffers(_row.Id, slot.Key.Value, slot.Kind, slot.Name);
            }
        }

        slot.Order = ++_asked;
        if (!_slots.TryAdd(slot.Key.Value, slot))
            throw new GranaryException("GRN9901", $"Run '{RunId}' asked for step {slot.Key} twice.", "Please report this.");
        if (slot.Record?.Outcome is null)
            _held.Add(slot);
        return true;
    }

    /// <summary>Gives the code the next outcome. False when there is none, or the code hasn't asked for it yet.</summary>
    private bool HandOut()
    {
        JournalRow row;
        if (HasRecorded)
        {
            row = _history.Outcomes[_cursor];
            if (!_slots.ContainsKey(row.StepKey!))
                return false;
            _history.Outcomes[_cursor++] = null!;
        }
        else if (!_fresh.TryDequeue(out row!))
        {
            return false;
        }

        _slots.Remove(row.StepKey!, out var slot);
        if (row.CommittedAt > Now)
            Now = row.CommittedAt;
        slot!.Deliver(row, _shared.Codec);
        RunSpans.EndStep(slot, row);
        return true;
    }

    private bool TakeMessages()
    {
        var any = false;
        while (_state != State.Gone && _messages.TryDequeue(out var message))
        {
            any = true;
            switch (message.Kind)
            {
                case RunMessageKind.Appended:
                    _appends.Answered();
                    Appended(message.Append!, message.Outcome);
                    break;
                case RunMessageKind.BodyFailed:
                    Interlocked.Decrement(ref _running);
                    Failed(message.Slot!, message.Failure!);
                    break;
                case RunMessageKind.TimerFired:
                    TimerFired(message.Slot!);
                    break;
                case RunMessageKind.DeadlinePassed:
                    DeadlinePassed();
                    break;
                case RunMessageKind.SiloMissing:
                    message.Slot!.IsWaitingForSilo = true;
                    _siloless++;
                    break;
                case RunMessageKind.SiloFound:
                    message.Slot!.IsWaitingForSilo = false;
                    _siloless--;
                    if (LeaveWaiting() is { } change)
                        TryAppend([StepRows.Running(message.Slot, Epoch) with { StartedAt = _shared.Time.GetUtcNow() }], change, null);
                    break;
                case RunMessageKind.Release:
                    Release();
                    break;
                case RunMessageKind.Lost:
                    LogFenced(_row.Id, Epoch);
                    Drop();
                    break;
            }
        }

        return any;
    }

    private void Appended(Append append, UnitOutcome outcome)
    {
        if (outcome.Result == UnitResult.Rejected)
        {
            Rejected(append, outcome);
            return;
        }

        if (outcome.Result != UnitResult.Committed)
        {
            LogFenced(_row.Id, Epoch);
            Drop();
            return;
        }

        CrashPoint.At($"run: {append.Rows[0].Kind} committed");
        for (var i = 0; i < append.Rows.Count; i++)
        {
            var row = append.Rows[i];
            if (FactKind.IsOutcome(row.Kind))
            {
                if (row.StepKind == StepKinds.Random)
                    Interlocked.Decrement(ref _draws);
                else if (!_isCancelled)
                    _fresh.Enqueue(row);
            }
            else if (row.Kind is FactKind.TimerStarted or FactKind.WaitStarted or FactKind.StepRetried && _state == State.Running
                && _slots.GetValueOrDefault(row.StepKey!) is { IsWaiting: true, Due: not null } slot)
            {
                _timers.Arm(slot);
            }
        }

        Committed?.Invoke();
        if (append.Tag is CallTag call && _calls.Remove(call))
            call.Done.TrySetResult(outcome);
        if (append.Tag is Ending ending)
            Finished(ending);
        else if (append.Rows[0].Kind == FactKind.CancelRequested)
            CancelRequested(append.Rows[0]);
    }

    /// <summary>The store won't take the data itself: the step, the call or the run fails with that.</summary>
    private void Rejected(Append append, UnitOutcome outcome)
    {
        var failure = new PayloadException("GRN1604", $"The database refused to store it: {outcome.Error?.Message}", "Return other or less data.", outcome.Error);
        switch (append.Tag)
        {
            case StepSlot slot:
                TryAppend([StepRows.Failed(slot, Epoch, RunErrors.Describe(failure, slot.Key))], LeaveWaiting(), slot);
                break;
            case CallTag call:
                if (call.Slot is { } waiter)
                    WaitAgain(waiter);
                call.Done.TrySetResult(outcome);
                break;
            case Ending:
                _state = State.Ending;
                _ending = Failure(failure);
                break;
            case null when _state == State.Running && append.Rows[0].Kind is FactKind.TimerStarted or FactKind.WaitStarted or FactKind.StepSucceeded:
                // A draw, or the start of a wait: the code can't go on without it.
                BeginEnding(Failure(failure));
                break;
        }
    }

    private void Failed(StepSlot slot, Exception failure)
    {
        if (_state != State.Running || BodyToken.IsCancellationRequested || _shared.Stopping.IsCancellationRequested)
        {
            // Cut off, not failed: the next activation runs it again.
            RunSpans.EndStep(slot, null);
            return;
        }

        var error = RunErrors.Describe(failure, slot.Key);
        var retry = slot.RetryOptions!;
        DateTimeOffset? due;
        try
        {
            due = RetryPlan.Next(retry, slot.Attempt, failure, slot.FirstStart ?? slot.StartedAt, _shared.Time.GetUtcNow(), System.Random.Shared.NextDouble());
        }
        catch (Exception e)
        {
            // The user's own filter threw: what the step failed with stays what it failed with.
            LogFilterFailed(e, _row.Id, slot.Name, slot.Key.Value);
            error = error with { Message = $"{error.Message} (not tried again: the step's retry filter threw {e.GetType().Name})" };
            due = null;
        }

        if (due is not { } next)
        {
            TryAppend([StepRows.Failed(slot, Epoch, error)], LeaveWaiting(), slot);
            return;
        }

        slot.Span?.AddEvent(new ActivityEvent("attempt failed", tags: new() { { "attempt", slot.Attempt }, { "error.type", error.Type } }));
        var row = StepRows.Retried(slot, Epoch, error, next);
        slot.Failures.Add(error);
        slot.Attempt++;
        slot.Due = next;
        slot.IsWaiting = true;
        TryAppend([row], EnterWaiting(), slot);
    }

    private bool TryAppend(IReadOnlyList<JournalRow> rows, RunChange? change, object? tag, IReadOnlyList<SideRow>? sides = null) =>
        _appends.TryAdd(rows, change, tag, sides);

    private void SetAlarm(TimeSpan after, Action action)
    {
        _alarm?.Dispose();
        _alarm = _shared.Time.CreateTimer(_ => Task.Factory.StartNew(() =>
        {
            action();
            Wake();
        }, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _grain), null, after, Timeout.InfiniteTimeSpan);
    }
}
