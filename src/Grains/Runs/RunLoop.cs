using System.Collections.Concurrent;
using System.Diagnostics;
using Granary.Activities;
using Granary.Engine;
using Granary.Grains;
using Granary.Journal;
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
    private static readonly TimeSpan _siblingGrace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _stallLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _shortWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestTimer = TimeSpan.FromDays(1);

    private readonly RunServices _shared;
    private readonly RunRow _row;
    private readonly RunJournal _journal;
    private readonly RunHistory _history;
    private readonly object? _input;
    private readonly TaskScheduler _grain;
    private readonly ILogger _logger;
    private readonly AsyncServiceScope _scope;
    private readonly RunVerbs _verbs;
    private readonly CancellationTokenSource _bodies = new();
    private readonly Dictionary<string, StepSlot> _slots = new(StringComparer.Ordinal);
    private readonly List<StepSlot> _held = [];
    private readonly ConcurrentQueue<Message> _messages = new();
    private readonly Queue<JournalRow> _fresh = new();
    private readonly Dictionary<StepSlot, ITimer> _timers = [];
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<RunEnd?> _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private State _state = State.Running;
    private Task<byte[]>? _code;
    private Activity? _span;
    private ITimer? _alarm;
    private int _cursor;
    private int _pumpQueued;
    private int _pumpThread;
    private long _pumpSince;
    private int _running;
    private int _inFlight;
    private int _draws;
    private int _siloless;
    private bool _isSealed;
    private volatile bool _showsWaiting;
    private bool _givesSiblingsUp;
    private bool _isCatchingUp;
    private NondeterminismException? _divergence;
    private FinalRow? _final;

    public RunLoop(RunServices shared, RunRow row, RunJournal journal, RunHistory history, DateTimeOffset startedAt, WorkflowDescriptor descriptor, object? input, TaskScheduler grain)
    {
        _shared = shared;
        _row = row;
        _journal = journal;
        _history = history;
        _isCatchingUp = history.IsPastLastOutcome;
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
        _shared.Running.Add(_row.Id, this);
        Wake();
    }

    /// <summary>Ends this activation of the run in good order: the run is left for the next one to claim, and nothing is charged.</summary>
    public Task ReleaseAsync()
    {
        _messages.Enqueue(new Message(MessageKind.Release));
        Wake();
        return _gone.Task;
    }

    /// <summary>A task that never completes: what the code of a run that stopped is left with.</summary>
    public Task<T> Never<T>() => new TaskCompletionSource<T>().Task;

    /// <summary>Answers a step from its record, or holds it until the code has come to rest.</summary>
    public Task<T> Request<T>(StepCall<T> call, StepKey key)
    {
        if (_state != State.Running || _divergence is not null)
            return Never<T>();
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
        if (_state != State.Running || _divergence is not null)
            return Never<None>();
        var slot = new StepSlot<None>(key, StepKinds.Timer, "sleep", _history.Find(key));
        slot.Due ??= due;
        return Admit(slot) ? slot.Answer : Never<None>();
    }

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

    public Activity? StartSpan(StepSlot slot)
    {
        var span = GranaryTelemetry.Source.StartActivity($"step {slot.Name}", ActivityKind.Internal, _span?.Context ?? default);
        if (span is { IsAllDataRequested: true })
        {
            span.SetTag("granary.run.id", _row.Id);
            span.SetTag("granary.step.key", slot.Key.Value);
            span.SetTag("granary.step.kind", slot.Kind);
        }

        return span;
    }

    public void BodySucceeded(StepSlot slot, Payload output)
    {
        Interlocked.Decrement(ref _running);
        if (TryAppend([StepRows.Succeeded(slot, Epoch, output)], LeaveWaiting(), slot))
        {
            // The commit wakes the pump; until then there is nothing to do for it.
            return;
        }

        EndSpan(slot, null);
        Wake();
    }

    public void BodyFailed(StepSlot slot, Exception failure)
    {
        _messages.Enqueue(new Message(MessageKind.BodyFailed) { Slot = slot, Failure = failure });
        Wake();
    }

    /// <summary>A body that can't begin, or go on, because no silo has its role; and when one has.</summary>
    public void BodyWaitsForSilo(StepSlot slot, bool waits)
    {
        _messages.Enqueue(new Message(waits ? MessageKind.SiloMissing : MessageKind.SiloFound) { Slot = slot });
        Wake();
    }

    /// <summary>Makes a long call visible. Never awaited: nothing depends on the row.</summary>
    public void BodyIsLong(StepSlot slot) => TryAppend([StepRows.Running(slot, Epoch)], LeaveWaiting(), null);

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
                    if (_divergence is not null)
                        StopDiverged(_divergence);
                    else if (_code.IsCompleted)
                        EndWithCode();
                    else
                        progress |= HandOut();
                }

                if (progress)
                    continue;
                if (_state == State.Running)
                    AtRest();
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
        ActivityContext.TryParse(_row.TraceParent, null, out var parent);
        Activity.Current = null;
        _span = GranaryTelemetry.Source.StartActivity($"run {_row.Workflow}", ActivityKind.Internal, parent);
        _span?.SetTag("granary.run.id", _row.Id).SetTag("granary.workflow", _row.Workflow).SetTag("granary.epoch", Epoch).SetTag("granary.version", _row.Version);
        return await Descriptor.RunAsync(_verbs.Services, context, _input, new ResultWriter(_shared.Codec, _row)).ConfigureAwait(true);
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
        EndSpan(slot, row);
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
                case MessageKind.Appended:
                    lock (_gate)
                        _inFlight--;
                    Appended(message.Append!, message.Outcome);
                    break;
                case MessageKind.BodyFailed:
                    Interlocked.Decrement(ref _running);
                    Failed(message.Slot!, message.Failure!);
                    break;
                case MessageKind.TimerFired:
                    TimerFired(message.Slot!);
                    break;
                case MessageKind.SiloMissing:
                    message.Slot!.IsWaitingForSilo = true;
                    _siloless++;
                    break;
                case MessageKind.SiloFound:
                    message.Slot!.IsWaitingForSilo = false;
                    _siloless--;
                    if (LeaveWaiting() is { } change)
                        TryAppend([StepRows.Running(message.Slot, Epoch) with { StartedAt = _shared.Time.GetUtcNow() }], change, null);
                    break;
                case MessageKind.Release:
                    Release();
                    break;
                case MessageKind.Lost:
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
            Rejected(append, outcome.Error);
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
                else
                    _fresh.Enqueue(row);
            }
            else if (row.Kind is FactKind.TimerStarted or FactKind.StepRetried && _state == State.Running)
            {
                Arm(_slots[row.StepKey!]);
            }
        }

        Committed?.Invoke();
        if (append.Tag is FinalRow final)
            Finished(final);
    }

    /// <summary>The store won't take the data itself: the step, or the run, fails with that.</summary>
    private void Rejected(Append append, Exception? error)
    {
        var failure = new PayloadException("GRN1604", $"The database refused to store it: {error?.Message}", "Return other or less data.", error);
        if (append.Tag is StepSlot slot)
        {
            TryAppend([StepRows.Failed(slot, Epoch, RunErrors.Describe(failure, slot.Key))], LeaveWaiting(), slot);
            return;
        }

        if (append.Tag is FinalRow)
        {
            _state = State.Ending;
            _final = Failure(failure);
        }
        else if (_state == State.Running && append.Rows[0].Kind is FactKind.TimerStarted or FactKind.StepSucceeded)
        {
            // A draw or the start of a sleep: the code can't go on without it.
            BeginEnding(Failure(failure));
        }
    }

    private void Failed(StepSlot slot, Exception failure)
    {
        if (_state != State.Running || BodyToken.IsCancellationRequested || _shared.Stopping.IsCancellationRequested)
        {
            // Cut off, not failed: the next activation runs it again.
            EndSpan(slot, null);
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

    /// <summary>The code has come to rest: what it asked for may start, once all that is recorded was handed out.</summary>
    private void AtRest()
    {
        if (HasRecorded)
        {
            // The code waits for something that isn't recorded while a recorded outcome waits for the code.
            var cursor = _cursor;
            SetAlarm(_stallLimit, () =>
            {
                if (_state == State.Running && _cursor == cursor && HasRecorded)
                    DivergeAtHead(_held.Count > 0 ? $"{_held[0].Kind} '{_held[0].Name}' ({_held[0].Key})" : "nothing");
            });
            return;
        }

        _isCatchingUp = false;
        if (Volatile.Read(ref _draws) > 0)
            return;
        List<StepSlot>? timers = null;
        foreach (var slot in _held)
        {
            slot.IsWaiting = slot.Due is not null;
            if (slot.Kind != StepKinds.Timer || slot.Record?.Timer is not null)
                continue;
            (timers ??= []).Add(slot);
            slot.StartedAt = _shared.Time.GetUtcNow();
        }

        if (WaitsUntil() is { } due && due - _shared.Time.GetUtcNow() >= _shared.Options.ParkAfter)
        {
            Park(timers, due);
            return;
        }

        foreach (var slot in _held)
        {
            if (slot.Due is null)
                StartBody(slot);
            else if (timers is null || !timers.Contains(slot))
                Arm(slot);
        }

        _held.Clear();
        if (timers is not null)
            TryAppend(timers.ConvertAll(t => StepRows.TimerStarted(t, Epoch)), EnterWaiting(), null);
        else
            ShowWaiting();
    }

    /// <summary>Makes a wait visible that no other row could tell of; a short one isn't worth a row.</summary>
    private void ShowWaiting()
    {
        if (_showsWaiting || _slots.Count == 0)
            return;
        if (WaitsForSilo())
        {
            _showsWaiting = true;
            TryAppend([new JournalRow { Kind = FactKind.Waiting, Epoch = Epoch }], new RunChange { Status = RunStatus.Waiting, WaitingOn = "silo", Owner = _shared.Incarnation }, null);
            return;
        }

        if (EnterWaiting() is not { } change)
            return;
        if (change.WakeAt > _shared.Time.GetUtcNow() + _shortWait)
            TryAppend([new JournalRow { Kind = FactKind.Waiting, Epoch = Epoch }], change, null);
        else
            _showsWaiting = false;
    }

    private void StartBody(StepSlot slot)
    {
        slot.IsWaiting = false;
        slot.Due = null;
        Interlocked.Increment(ref _running);
        slot.Start(this, _shared);
    }

    private void Arm(StepSlot slot)
    {
        slot.IsWaiting = true;
        var wait = slot.Due!.Value - _shared.Time.GetUtcNow();
        wait = wait < TimeSpan.Zero ? TimeSpan.Zero : wait > _longestTimer ? _longestTimer : wait;
        if (_timers.Remove(slot, out var old))
            old.Dispose();
        _timers[slot] = _shared.Time.CreateTimer(static s => ((Alarm)s!).Fire(), new Alarm(this, slot), wait, Timeout.InfiniteTimeSpan);
    }

    private void TimerFired(StepSlot slot)
    {
        if (_state != State.Running || !_timers.Remove(slot, out var timer))
            return;
        timer.Dispose();
        if (slot.Due > _shared.Time.GetUtcNow())
        {
            Arm(slot);
            return;
        }

        if (slot.Kind != StepKinds.Timer)
        {
            if (!IsPastTotalLimit(slot))
                StartBody(slot);
            return;
        }

        slot.IsWaiting = false;
        TryAppend([StepRows.Succeeded(slot, Epoch, null)], LeaveWaiting(), slot);
    }

    /// <summary>The limit of a step's attempts also passes while no process lives: then the attempt that was due isn't begun.</summary>
    private bool IsPastTotalLimit(StepSlot slot)
    {
        var now = _shared.Time.GetUtcNow();
        if (slot.RetryOptions?.TotalTimeout is not { } total || !(slot.FirstStart + total <= now))
            return false;
        slot.IsWaiting = false;
        slot.StartedAt = now;
        var late = new AttemptTimeoutException($"The attempt wasn't begun: the total limit of {total} had passed.");
        TryAppend([StepRows.Failed(slot, Epoch, RunErrors.Describe(late, slot.Key))], LeaveWaiting(), slot);
        return true;
    }

    /// <summary>The earliest time that the run waits for; null when something of it does not wait for time.</summary>
    private DateTimeOffset? WaitsUntil()
    {
        if (Volatile.Read(ref _running) > 0 || _fresh.Count > 0)
            return null;
        DateTimeOffset? due = null;
        foreach (var slot in _slots.Values)
        {
            if (!slot.IsWaiting)
                return null;
            if (due is null || slot.Due < due)
                due = slot.Due;
        }

        return due;
    }

    /// <summary>Whether something waits for a silo and nothing runs.</summary>
    private bool WaitsForSilo() =>
        _siloless > 0 && Volatile.Read(ref _running) == _siloless && _fresh.Count == 0 && _slots.Values.All(s => s.IsWaiting || s.IsWaitingForSilo);

    /// <summary>What to set in the run's row when all that the run could do waits for time; null when that isn't so.</summary>
    private RunChange? EnterWaiting()
    {
        if (WaitsUntil() is not { } due)
            return null;
        _showsWaiting = true;
        return new RunChange { Status = RunStatus.Waiting, WaitingOn = "timer", Owner = _shared.Incarnation, WakeAt = due };
    }

    private RunChange? LeaveWaiting()
    {
        if (!_showsWaiting)
            return null;
        _showsWaiting = false;
        return new RunChange { Status = RunStatus.Running, Owner = _shared.Incarnation };
    }

    private bool TryAppend(IReadOnlyList<JournalRow> rows, RunChange? change, object? tag)
    {
        lock (_gate)
        {
            if (_isSealed)
                return false;
            _inFlight++;
            Queue(rows, change, tag);
        }

        return true;
    }

    private void Queue(IReadOnlyList<JournalRow> rows, RunChange? change, object? tag) => _shared.Writer.Enqueue(new Append
    {
        Journal = _journal,
        Rows = rows,
        Change = change,
        IsUrgent = tag is FinalRow,
        Tag = tag,
        Done = (append, outcome) =>
        {
            _messages.Enqueue(new Message(MessageKind.Appended) { Append = append, Outcome = outcome });
            Wake();
        },
    });

    private void SetAlarm(TimeSpan after, Action action)
    {
        _alarm?.Dispose();
        _alarm = _shared.Time.CreateTimer(_ => Task.Factory.StartNew(() =>
        {
            action();
            Wake();
        }, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _grain), null, after, Timeout.InfiniteTimeSpan);
    }

    private void EndSpan(StepSlot slot, JournalRow? outcome)
    {
        if (slot.Span is not { } span)
            return;
        slot.Span = null;
        span.SetTag("granary.step.attempt", slot.Attempt);
        if (outcome is null)
            span.SetStatus(ActivityStatusCode.Unset, "cut off");
        else if (outcome.Kind == FactKind.StepFailed)
            span.SetStatus(ActivityStatusCode.Error);
        span.Dispose();
    }

    private enum MessageKind
    {
        Appended,
        BodyFailed,
        TimerFired,
        SiloMissing,
        SiloFound,
        Release,
        Lost,
    }

    private sealed record Message(MessageKind Kind)
    {
        public Append? Append { get; init; }

        public UnitOutcome Outcome { get; init; }

        public StepSlot? Slot { get; init; }

        public Exception? Failure { get; init; }
    }

    private sealed record Alarm(RunLoop Loop, StepSlot Slot)
    {
        public void Fire()
        {
            Loop._messages.Enqueue(new Message(MessageKind.TimerFired) { Slot = Slot });
            Loop.Wake();
        }
    }
}
