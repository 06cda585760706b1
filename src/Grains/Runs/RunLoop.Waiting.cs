using Granary.Activities;
using Granary.Engine;
using Granary.Journal;
using Granary.Signals;

namespace Granary.Runs;

/// <content>What happens while the code is at rest: bodies and waits begin, waiting is shown, and a long wait is parked.</content>
internal sealed partial class RunLoop
{
    /// <summary>The code has come to rest: what it asked for may start, once all that is recorded was handed out. True when it was given something to do.</summary>
    private bool AtRest()
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
            return false;
        }

        _isCatchingUp = false;
        if (_isReadOnly)
        {
            _caughtUp.TrySetResult();
            return false;
        }

        if (_isCancelled)
            return false;
        if (_cancelRequest is not null)
        {
            Cancel();
            return true;
        }

        if (Volatile.Read(ref _draws) > 0)
            return false;
        _caughtUp.TrySetResult();
        var begun = TakeUpWaits();
        if (Wait() is { IsOpen: false } closed && IsFar(WakeAt(closed)) && !_appends.HasInFlight)
        {
            Park(begun);
            return false;
        }

        foreach (var slot in _held)
        {
            if (slot.IsAnswered)
                continue;
            if (!slot.IsWaiting)
                StartBody(slot);
            else if (slot.Due is not null && begun?.Contains(slot) != true)
                _timers.Arm(slot);
        }

        _held.Clear();
        if (begun is not null)
            TryAppend(begun.ConvertAll(w => w.Begin(Epoch)), EnterWaiting(), null, SidesOf(begun));
        else
            Rest();
        return false;
    }

    /// <summary>Answers waits whose message is there, and marks the others as waiting. Returns those whose beginning must be recorded.</summary>
    private List<StepSlot>? TakeUpWaits()
    {
        List<StepSlot>? begun = null;
        foreach (var slot in _held)
        {
            // What came after the wait had ended is for the next one, though nobody was there to end it.
            if (slot.Kind == StepKinds.Signal && _mail.Peek(slot.Name) is { } mail && !(slot.Due <= mail.At))
            {
                _mail.Take(slot.Name);
                Answer(slot, mail.ToOutcome());
                continue;
            }

            if (slot.TakeInstant() is { } instant)
            {
                Answer(slot, instant, slot.Side(_row));
                continue;
            }

            slot.IsWaiting = slot.Due is not null || slot.IsForMessage;
            if (!slot.MustBegin)
                continue;
            (begun ??= []).Add(slot);
            slot.StartedAt = _shared.Time.GetUtcNow();
        }

        return begun;
    }

    /// <summary>Records the outcome of a step that has no body.</summary>
    private void Answer(StepSlot slot, byte[]? outcome, SideRow? side = null)
    {
        slot.IsWaiting = false;
        slot.IsAnswered = true;
        if (slot.StartedAt == default)
            slot.StartedAt = _shared.Time.GetUtcNow();
        TryAppend([StepRows.Succeeded(slot, Epoch, outcome is null ? null : _shared.Codec.Encode(outcome))], LeaveWaiting(), slot, side is null ? null : [side]);
    }

    private List<SideRow>? SidesOf(List<StepSlot> begun)
    {
        List<SideRow>? sides = null;
        foreach (var slot in begun)
        {
            if (slot.Side(_row) is { } side)
                (sides ??= []).Add(side);
        }

        return sides;
    }

    /// <summary>When a keeper would have to wake the run; null when only a message could.</summary>
    private DateTimeOffset? WakeAt(RunWait wait) => _row.Deadline is { } deadline && !(wait.Due <= deadline) ? deadline : wait.Due;

    private bool IsFar(DateTimeOffset? due) => due is null || due - _shared.Time.GetUtcNow() >= _shared.Options.ParkAfter;

    /// <summary>
    /// Nothing more to do until something comes. The longer that lasts the less is held: a wait of a second is shown in the
    /// run's row, and one that only a message can end is parked when it has lasted.
    /// </summary>
    private void Rest()
    {
        if (_slots.Count == 0)
            return;
        if (WaitsForSilo())
        {
            if (_showsWaiting)
                return;
            _showsWaiting = true;
            TryAppend([new JournalRow { Kind = FactKind.Waiting, Epoch = Epoch }], new RunChange { Status = RunStatus.Waiting, WaitingOn = "silo", Owner = _shared.Incarnation }, null);
            return;
        }

        if (Wait() is not { } wait)
            return;
        var now = _shared.Time.GetUtcNow();
        _restsSince ??= now;
        var rested = now - _restsSince.Value;
        if (wait.IsOpen && rested >= _shared.Options.ParkAfter && IsFar(WakeAt(wait)) && !_appends.HasInFlight)
        {
            Park(null);
            return;
        }

        // A short wait isn't worth a row.
        var isLong = wait.IsOpen ? rested >= _shortWait : wait.Due > now + _shortWait;
        if (isLong && !(_showsWaiting && _shown == wait) && EnterWaiting() is { } change)
            TryAppend([new JournalRow { Kind = FactKind.Waiting, Epoch = Epoch }], change, null);
        if (wait.IsOpen)
            SetAlarm((rested < _shortWait ? _shortWait : rested < _shared.Options.ParkAfter ? _shared.Options.ParkAfter : rested + _shared.Options.ParkAfter) - rested, static () => { });
    }

    private void StartBody(StepSlot slot)
    {
        slot.IsWaiting = false;
        slot.Due = null;
        Interlocked.Increment(ref _running);
        slot.Start(this, _shared);
    }

    private void TimerFired(StepSlot slot)
    {
        if (_state != State.Running || !_timers.Remove(slot))
            return;
        if (slot.Due > _shared.Time.GetUtcNow())
            _timers.Arm(slot);
        else if (slot.HasBody)
            StartNextAttempt(slot);
        else
            TimeOut(slot);
    }

    private void TimeOut(StepSlot slot)
    {
        var (outcome, side) = slot.TimedOut(_shared.Time.GetUtcNow());
        Answer(slot, outcome, side);
    }

    /// <summary>The limit of a step's attempts also passes while no process lives: then the attempt that was due isn't begun.</summary>
    private void StartNextAttempt(StepSlot slot)
    {
        var now = _shared.Time.GetUtcNow();
        if (slot.RetryOptions?.TotalTimeout is not { } total || !(slot.FirstStart + total <= now))
        {
            StartBody(slot);
            return;
        }

        slot.IsWaiting = false;
        slot.StartedAt = now;
        var late = new AttemptTimeoutException($"The attempt wasn't begun: the total limit of {total} had passed.");
        TryAppend([StepRows.Failed(slot, Epoch, RunErrors.Describe(late, slot.Key))], LeaveWaiting(), slot);
    }

    /// <summary>What the run waits for; null when something of it does anything else.</summary>
    private RunWait? Wait() => Volatile.Read(ref _running) > 0 || _fresh.Count > 0 ? null : RunWait.Of(_slots.Values);

    /// <summary>Whether something waits for a silo and nothing runs.</summary>
    private bool WaitsForSilo() =>
        _siloless > 0 && Volatile.Read(ref _running) == _siloless && _fresh.Count == 0 && _slots.Values.All(s => s.IsWaiting || s.IsWaitingForSilo);

    /// <summary>What to set in the run's row when all that the run could do waits; null when that isn't so.</summary>
    private RunChange? EnterWaiting()
    {
        if (Wait() is not { } wait)
            return null;
        _shown = wait;
        _showsWaiting = true;
        return new RunChange { Status = RunStatus.Waiting, WaitingOn = wait.On, Owner = _shared.Incarnation, WakeAt = wait.Due };
    }

    private RunChange? LeaveWaiting()
    {
        if (!_showsWaiting)
            return null;
        _showsWaiting = false;
        return new RunChange { Status = RunStatus.Running, Owner = _shared.Incarnation };
    }
}
