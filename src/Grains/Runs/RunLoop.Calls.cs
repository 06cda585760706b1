using Granary.Approvals;
using Granary.Engine;
using Granary.Grains;
using Granary.Journal;
using Granary.Signals;

namespace Granary.Runs;

/// <content>
/// What others tell the run: on the grain's scheduler, between turns of the pump. Each call is answered after its commit;
/// <see cref="UnitResult.Fenced"/> means that this activation is going, and that the next one must be asked.
/// </content>
internal sealed partial class RunLoop
{
    private static readonly UnitOutcome _goes = new(UnitResult.Fenced);

    private static readonly TimeSpan _longestWait = TimeSpan.FromDays(1);

    private readonly HashSet<CallTag> _calls = [];

    /// <summary>Accepts a signal: for the wait that is there, or for one to come.</summary>
    public Task<UnitOutcome> SignalAsync(Mail mail)
    {
        if (_mail.Find(mail.Key) is { } known)
            return known;
        if (_state != State.Running)
            return Task.FromResult(_goes);
        List<JournalRow> rows = [mail.ToRow(Epoch, _shared.Codec)];
        RunChange? change = null;
        var waiter = _mail.Has(mail.Topic) ? null : WaiterOn(mail.Topic);
        if (waiter is not null)
        {
            // Both in one append: the code goes on after one commit.
            waiter.IsWaiting = false;
            waiter.IsAnswered = true;
            _timers.Remove(waiter);
            if (waiter.StartedAt == default)
                waiter.StartedAt = mail.At;
            rows.Add(StepRows.Succeeded(waiter, Epoch, _shared.Codec.Encode(mail.ToOutcome())));
            change = LeaveWaiting();
        }

        var call = new CallTag(waiter);
        if (!Call(call, rows, change, [new SignalKeyRow(_row.Id, mail.Key, mail.Topic)]))
            return Task.FromResult(_goes);
        if (waiter is null)
            _mail.Put(mail);
        _mail.Remember(mail.Key, call.Done.Task);
        return call.Done.Task;
    }

    /// <summary>Accepts that the run be cancelled. It ends soon after: the answer comes with the commit of the request.</summary>
    public Task<UnitOutcome> CancelAsync(JournalRow request)
    {
        if (_state != State.Running)
            return Task.FromResult(_goes);
        if (_cancelRequest is not null)
            return Task.FromResult(new UnitOutcome(UnitResult.Committed));
        var call = new CallTag(null);
        return Call(call, [request], null, null) ? call.Done.Task : Task.FromResult(_goes);
    }

    /// <summary>
    /// Takes an answer to a question of the run, if it is the first. The code is first brought to where it asks: only it
    /// knows whether the answer fits.
    /// </summary>
    /// <returns>Null when the question isn't open here; the commit's outcome, or why the answer can't be accepted.</returns>
    public async Task<(UnitOutcome Outcome, Refusal? Refusal)?> DecideAsync(DecisionMessage message)
    {
        await _caughtUp.Task;
        if (_state == State.Gone)
            return (_goes, null);
        if (_slots.Values.FirstOrDefault(s => s is IApprovalSlot approval && approval.Id == message.Approval) is not { } slot)
            return _state == State.Running ? null : (_goes, null);
        if (!slot.IsWaiting)
        {
            // Another answer, or the expiry, is on its way.
            await Task.WhenAny(_gone.Task, Task.WhenAll(_calls.Where(c => c.Slot == slot).Select(c => c.Done.Task)));
            return null;
        }

        if (_state != State.Running)
            return (_goes, null);
        if (slot.Due <= _shared.Time.GetUtcNow())
        {
            _timers.Remove(slot);
            TimeOut(slot);
            return null;
        }

        var asked = (IApprovalSlot)slot;
        if (asked.Refuse(message) is { } refusal)
            return (_goes, refusal);
        var (outcome, side) = asked.Decide(message, _shared.Time.GetUtcNow());
        slot.IsWaiting = false;
        slot.IsAnswered = true;
        _timers.Remove(slot);
        var call = new CallTag(slot);
        return Call(call, [StepRows.Succeeded(slot, Epoch, _shared.Codec.Encode(outcome))], LeaveWaiting(), [side]) ? (await call.Done.Task, null) : (_goes, null);
    }

    /// <summary>Reads a query of the workflow, once its code has come to where the journal ends.</summary>
    /// <returns>Null when this activation has gone before.</returns>
    public async Task<(byte[]? Value, Refusal? Refusal)?> QueryAsync(string query)
    {
        await _caughtUp.Task;
        if (_divergence is { } divergence)
            return (null, new Refusal(divergence.Code, divergence.What, divergence.Remedy, null));
        if (_state == State.Gone || _workflow is null)
            return null;
        try
        {
            var (value, type) = WorkflowQueries.Read(_workflow, query);
            return (_shared.Codec.Values.Write(value, type, $"The query '{query}' of run '{RunId}'"), null);
        }
        catch (GranaryException e)
        {
            return (null, new Refusal(e.Code, e.What, e.Remedy, null));
        }
        catch (Exception e)
        {
            return (null, new Refusal("GRN1806", $"The query '{query}' of run '{RunId}' threw {e.GetType()}: {e.Message}", "A query must only read what the run's code has set.", null));
        }
    }

    private bool Call(CallTag call, IReadOnlyList<JournalRow> rows, RunChange? change, IReadOnlyList<SideRow>? sides)
    {
        if (!TryAppend(rows, change, call, sides))
            return false;
        _calls.Add(call);
        return true;
    }

    /// <summary>The first that waits on a topic, in the order of the requests.</summary>
    private StepSlot? WaiterOn(string topic)
    {
        StepSlot? first = null;
        foreach (var slot in _slots.Values)
        {
            if (slot is { IsWaiting: true, Kind: StepKinds.Signal } && slot.Name == topic && !(first?.Order < slot.Order))
                first = slot;
        }

        return first;
    }

    /// <summary>A wait whose answer the store refused.</summary>
    private void WaitAgain(StepSlot waiter)
    {
        waiter.IsAnswered = false;
        waiter.IsWaiting = true;
        if (waiter.Due is not null)
            _timers.Arm(waiter);
    }

    /// <summary>Whoever waits for an answer is told that this activation has gone.</summary>
    private void FailCalls()
    {
        foreach (var call in _calls)
            call.Done.TrySetResult(_goes);
        _calls.Clear();
    }

    private void ArmDeadline()
    {
        var wait = _row.Deadline!.Value - _shared.Time.GetUtcNow();
        wait = wait < TimeSpan.Zero ? TimeSpan.Zero : wait > _longestWait ? _longestWait : wait;
        _deadline?.Dispose();
        _deadline = _shared.Time.CreateTimer(_ => Post(new RunMessage(RunMessageKind.DeadlinePassed)), null, wait, Timeout.InfiniteTimeSpan);
    }

    /// <summary>As if somebody had asked for it; the request is recorded like any other.</summary>
    private void DeadlinePassed()
    {
        if (_state != State.Running || _cancelRequest is not null)
            return;
        if (_row.Deadline > _shared.Time.GetUtcNow())
            ArmDeadline();
        else
            TryAppend([CancelRequest.ToRow(Epoch, $"its deadline, {_row.Deadline:O}, has passed", null, _shared.Codec)], null, null);
    }

    /// <summary>A request is committed. Code that is still being given its record comes to where it was first.</summary>
    private void CancelRequested(JournalRow request)
    {
        _cancelRequest ??= request;
        if (_state == State.Running && !HasRecorded)
            Cancel();
    }

    /// <summary>
    /// The run is to end: bodies are told to stop, and whatever the code awaits or asks for throws
    /// <see cref="OperationCanceledException"/>, again and again, so that its <c>finally</c> blocks run and it returns.
    /// </summary>
    private void Cancel()
    {
        if (_isCancelled)
            return;
        _isCancelled = true;
        LogCancelled(_row.Id);
        _appends.Seal();
        _timers.Clear();
        CancelBodies();
        foreach (var slot in _slots.Values)
        {
            RunSpans.EndStep(slot, null);
            slot.Cancel(CancellationException());
        }

        _slots.Clear();
        _held.Clear();
        _fresh.Clear();
        SetAlarm(_siblingGrace, () =>
        {
            if (_state == State.Running)
                BeginEnding(Cancelled());
        });
    }

    private OperationCanceledException CancellationException() =>
        new($"Run '{RunId}' was cancelled{(CancelReason is { } reason ? $": {reason}" : ".")}", BodyToken);

    private string? CancelReason => CancelRequest.ReasonOf(_cancelRequest!);

    private Ending Cancelled()
    {
        var error = RunHistory.WriteError(new RunError(typeof(OperationCanceledException).FullName!, CancelReason ?? "", "GRN1102"));
        return new Ending(
            [new JournalRow { Kind = FactKind.Cancelled, Epoch = Epoch, Error = error }],
            new RunChange { Status = RunStatus.Cancelled, Result = new RunResult(null, error) });
    }

    /// <summary>A call that waits for its commit, and the wait that it answers.</summary>
    private sealed class CallTag(StepSlot? slot)
    {
        public StepSlot? Slot => slot;

        public TaskCompletionSource<UnitOutcome> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
