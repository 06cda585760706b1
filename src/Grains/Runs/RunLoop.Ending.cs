using Granary.Engine;
using Granary.Grains;
using Granary.Journal;

namespace Granary.Runs;

/// <content>How an activation of a run ends: with the run, or without it.</content>
internal sealed partial class RunLoop
{
    /// <summary>The code returned or threw: siblings are told to stop, then the last row is written.</summary>
    private void EndWithCode()
    {
        if (_isReadOnly)
        {
            _caughtUp.TrySetResult();
            return;
        }

        if (_isCancelled)
        {
            BeginEnding(Cancelled());
            return;
        }

        // Also when it threw: the code that wrote the journal went on here.
        if (FirstNeverRequested() is { } row)
        {
            var threw = _code!.Exception?.InnerExceptions[0] is { } e ? $", for it threw {RunErrors.Describe(e).Type}: {RunErrors.Describe(e).Message}" : "";
            Diverge(new StepKey(row.StepKey!), $"{row.StepKind} '{row.Name}'", $"the end of the run{threw}");
            StopDiverged(_divergence!);
            return;
        }

        BeginEnding(_code!.Status == TaskStatus.RanToCompletion
            ? new Ending(
                [new JournalRow { Kind = FactKind.Succeeded, Epoch = Epoch }],
                new RunChange { Status = RunStatus.Succeeded, Result = new RunResult(_shared.Codec.Encode(_code.GetAwaiter().GetResult()), null) })
            : Failure(_code.Exception?.InnerExceptions[0] ?? new OperationCanceledException("The run's code ended with OperationCanceledException, though nobody cancelled the run.")));
    }

    private Ending Failure(Exception exception)
    {
        var error = RunHistory.WriteError(RunErrors.Describe(exception));
        return new Ending(
            [new JournalRow { Kind = FactKind.Failed, Epoch = Epoch, Error = error }],
            new RunChange { Status = RunStatus.Failed, Result = new RunResult(null, error) });
    }

    private JournalRow? FirstNeverRequested()
    {
        for (var i = _cursor; i < _history.Outcomes.Count; i++)
        {
            if (!_slots.ContainsKey(_history.Outcomes[i].StepKey!))
                return _history.Outcomes[i];
        }

        return null;
    }

    private void Diverge(StepKey key, string recorded, string requested) =>
        _divergence ??= new NondeterminismException(RunId, key, recorded, requested);

    private void DivergeAtHead(string requested)
    {
        var head = _history.Outcomes[_cursor];
        Diverge(new StepKey(head.StepKey!), $"{head.StepKind} '{head.Name}'", requested);
    }

    /// <summary>The run waits, visibly, for a build whose code fits its journal. Nothing of it is lost or undone.</summary>
    private void StopDiverged(NondeterminismException divergence)
    {
        if (_isReadOnly)
        {
            Drop();
            return;
        }

        LogDiverged(divergence, _row.Id, divergence.Step.Value, divergence.Recorded, divergence.Requested);
        var error = RunHistory.WriteError(RunErrors.Describe(divergence, divergence.Step));
        BeginEnding(new Ending(
            [new JournalRow { Kind = FactKind.Parked, Epoch = Epoch, Error = error }],
            new RunChange { Status = RunStatus.Waiting, WaitingOn = "version", Error = error }));
    }

    private void Release()
    {
        if (_state != State.Running)
            return;
        if (_showsWaiting && Wait() is not null)
            Park(null);
        else
            BeginEnding(Released());
    }

    private Ending Released() => new(
        [new JournalRow { Kind = FactKind.Released, Epoch = Epoch }],
        new RunChange { Status = RunStatus.Running });

    /// <summary>
    /// Everything waits, and for long: the activation goes, and a message or a keeper wakes the run. The code never learns of it.
    /// </summary>
    private void Park(List<StepSlot>? begun)
    {
        var wait = Wait()!.Value;
        List<JournalRow> rows = begun is null ? [] : begun.ConvertAll(w => w.Begin(Epoch));
        rows.Add(new JournalRow { Kind = FactKind.Parked, Epoch = Epoch, DueAt = WakeAt(wait) });
        BeginEnding(new Ending(rows, new RunChange { Status = RunStatus.Waiting, WaitingOn = wait.On, WakeAt = WakeAt(wait) })
        {
            Sides = begun is null ? null : SidesOf(begun),
            IsPark = true,
        });
    }

    private void BeginEnding(Ending ending)
    {
        _state = State.Ending;
        _ending = ending;
        _appends.Seal();
        _timers.Clear();
        CancelBodies();

        // A flag, for the alarm may ring a moment before the clock says so.
        SetAlarm(_siblingGrace, () => _givesSiblingsUp = true);
    }

    /// <summary>
    /// Queues the last row when nothing of this activation is in flight: nothing may be queued behind it, and what was in
    /// flight is looked at once more, for it was acknowledged.
    /// </summary>
    private void TryFinish()
    {
        if ((Volatile.Read(ref _running) > 0 && !_givesSiblingsUp) || _appends.HasInFlight)
            return;
        var ending = _ending!;
        if (_cancelRequest is not null && ending.Change.Result is not null)
            ending = Cancelled();
        else if (ending.IsPark && Wait() is null)
            ending = Released();
        _state = State.Finishing;
        CrashPoint.At("run: before its last row");
        _appends.AddLast(ending.Rows, ending.Change, ending, ending.Sides);
    }

    private void Finished(Ending ending)
    {
        RunEnd? end = null;
        ParkedUntil = ending.Change.WakeAt;
        if (ending.Change.Result is { } result)
            end = new RunEnd(ending.Change.Status, result.Output is null ? null : PayloadCodec.Decode(result.Output), result.Error);
        _spans.Tell(ending.Change.Status);
        Leave(end);
    }

    /// <summary>Another activation has the run; may be called from any thread.</summary>
    public void Lose()
    {
        _appends.Seal();
        _bodies.Cancel();
        Post(new RunMessage(RunMessageKind.Lost));
    }

    /// <summary>This activation lost the run, or stops without a word: its code never goes on, its bodies' outcomes are void.</summary>
    public void Drop()
    {
        _appends.Seal();
        _timers.Clear();
        CancelBodies();
        Leave(null);
    }

    private void Leave(RunEnd? end)
    {
        if (_state == State.Gone)
            return;
        _state = State.Gone;
        _alarm?.Dispose();
        _deadline?.Dispose();
        foreach (var slot in _slots.Values)
            RunSpans.EndStep(slot, null);
        _spans.End();
        _caughtUp.TrySetResult();
        FailCalls();
        _shared.Running.Remove(_row.Id, this);
        _gone.TrySetResult(end);
        _ = DisposeScopeAsync();
    }

    private async Task DisposeScopeAsync()
    {
        try
        {
            await _scope.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LogScopeFailed(e, _row.Id);
        }
    }

    /// <summary>Tells bodies to stop. What their own callbacks throw is theirs, and must not keep the run from ending.</summary>
    private void CancelBodies()
    {
        try
        {
            _bodies.Cancel();
        }
        catch (AggregateException e)
        {
            LogCallbackFailed(e, _row.Id);
        }
    }

    /// <summary>The last rows of this activation.</summary>
    private sealed record Ending(IReadOnlyList<JournalRow> Rows, RunChange Change)
    {
        public IReadOnlyList<SideRow>? Sides { get; init; }

        public bool IsPark { get; init; }
    }

    private sealed class ResultWriter(PayloadCodec codec, RunRow row) : IResultWriter
    {
        public byte[] Write<T>(T value) => codec.Values.Write(value, $"The result of run '{row.Id}' of workflow '{row.Workflow}'");
    }
}
