using Granary.Approvals;
using Granary.Engine;
using Granary.Grains;
using Granary.Journal;
using Granary.Signals;

namespace Granary.Runs;

/// <content>
/// Messages from others: given to the loop that has the run, or the run is taken up with them. Calls interleave, so each looks
/// again after every await.
/// </content>
internal sealed partial class WorkflowGrain
{
    public async Task<CallReply> SignalAsync(SignalMessage signal)
    {
        var mail = new Mail(signal.Topic, signal.Key, signal.From, shared.Time.GetUtcNow(), signal.Value);
        return await TellAsync(
            loop => loop.SignalAsync(mail),
            epoch => (mail.ToRow(epoch, shared.Codec), new SignalKeyRow(Id, mail.Key, mail.Topic)),
            () => shared.Store.HasSignalAsync(Id, mail.Key, CancellationToken.None));
    }

    public Task<CallReply> CancelAsync(string? reason, string? by) => TellAsync(
        loop => loop.CancelAsync(CancelRequest.ToRow(loop.Epoch, reason, by, shared.Codec)),
        epoch => (CancelRequest.ToRow(epoch, reason, by, shared.Codec), null),
        () => Task.FromResult(false));

    /// <summary>
    /// Gives a message to the loop that has the run, or takes the run up with it: its claim and the message are one append, so
    /// that a run which is woken by it can't be left asleep.
    /// </summary>
    /// <param name="tell">Gives it to the loop.</param>
    /// <param name="rows">Its row under an epoch, and what is written beside it.</param>
    /// <param name="isKnown">Whether it was accepted before. Asked before the run's end is: a sender that asks again must be answered.</param>
    private async Task<CallReply> TellAsync(Func<RunLoop, Task<UnitOutcome>> tell, Func<int, (JournalRow Row, SideRow? Side)> rows, Func<Task<bool>> isKnown)
    {
        if (shared.Health.Outage is { } outage)
            return Away($"the database has been away for {outage.For.TotalSeconds:F0} s ({outage.Reason})");
        try
        {
            for (var attempt = 0; attempt < 20; attempt++)
            {
                if (_loop is { Gone.IsCompleted: false } loop)
                {
                    var outcome = await tell(loop).WaitAsync(_startLimit, shared.Time);
                    if (outcome.Result == UnitResult.Committed)
                        return new CallReply(RunStatus.Running, null);
                    if (outcome.Result == UnitResult.Rejected)
                        return new CallReply(null, Rejected(outcome));

                    // It is parking, ending or lost: what comes after it decides.
                    await loop.Gone.WaitAsync(_startLimit, shared.Time);
                }

                if (await TakeUpAsync(rows, isKnown) is { } reply)
                    return reply;
            }
        }
        catch (TimeoutException)
        {
            return Away($"no commit within {_startLimit.TotalSeconds:F0} s; it may yet be");
        }

        return Away("other activations take the run again and again");
    }

    /// <summary>Null when a loop has the run by now, or another activation was quicker: then the caller looks again.</summary>
    private async Task<CallReply?> TakeUpAsync(Func<int, (JournalRow Row, SideRow? Side)> rows, Func<Task<bool>> isKnown)
    {
        await _claiming.WaitAsync();
        try
        {
            if (_loop is { Gone.IsCompleted: false })
                return null;
            if (_leaving.Task.IsCompleted)
                return new CallReply(null, null, IsLeaving: true);
            if (await FindAsync(CancellationToken.None) is not { } row)
                return new CallReply(null, null);
            if (await isKnown())
                return new CallReply(RunStatus.Running, null);
            if (RunRows.ToEnd(row) is not null)
                return new CallReply(row.Status, null);
            if (await shared.Store.ReadHeadAsync(row.Key, CancellationToken.None) is not { } head || FactKind.IsTerminal(head.Kind))
                return null;
            return await TryClaimAsync(row, head, HasDied(row) ? RecoverReason.OwnerDied : RecoverReason.Due, rows(head.Epoch + 1)) ? new CallReply(RunStatus.Running, null) : null;
        }
        catch (StoreUnavailableException e)
        {
            return Away(e.Message);
        }
        finally
        {
            _claiming.Release();
        }
    }

    public async Task<CallReply> ResumeAsync(TimeSpan? timeout)
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            // A cancel that was accepted is carried out first.
            if (_loop is { HasCancelRequest: true } cancelled)
                await cancelled.Gone;
            await _claiming.WaitAsync();
            try
            {
                if (_loop is { Gone.IsCompleted: false, HasCancelRequest: true })
                    continue;
                if (_loop is { Gone.IsCompleted: false })
                    return new CallReply(RunStatus.Running, null);
                if (_leaving.Task.IsCompleted)
                    return new CallReply(null, null, IsLeaving: true);
                if (await FindAsync(CancellationToken.None) is not { } row)
                    return new CallReply(null, null);
                if (row.Status is not (RunStatus.Cancelled or RunStatus.Poisoned))
                    return new CallReply(row.Status, null);
                if (shared.Workflows.Find(row.Workflow, row.WorkflowVersion) is null)
                    return Away($"no build here has workflow '{row.Workflow}' of version {row.WorkflowVersion}");
                var head = (await shared.Store.ReadHeadAsync(row.Key, CancellationToken.None))!.Value;
                var span = timeout ?? (await ReadHistoryAsync(row.Key, head.Seq)).Timeout;
                var deadline = span is { } limit && limit != Timeout.InfiniteTimeSpan ? shared.Time.GetUtcNow() + limit : (DateTimeOffset?)null;
                var resumed = new JournalRow { Kind = FactKind.Resumed, Epoch = head.Epoch + 1 };
                if (await TryClaimAsync(row, head, RecoverReason.Due, (resumed, null), deadline))
                    return new CallReply(RunStatus.Running, null);
            }
            catch (StoreUnavailableException e)
            {
                return Away(e.Message);
            }
            finally
            {
                _claiming.Release();
            }
        }

        return Away("other activations take the run again and again");
    }

    public async Task<DecisionReply> DecideAsync(DecisionMessage message)
    {
        try
        {
            for (var attempt = 0; attempt < 20; attempt++)
            {
                if (await shared.Store.FindApprovalAsync(message.Approval, CancellationToken.None) is not { } stored || stored.Asked.RunId != Id)
                    return new DecisionReply(new Refusal("GRN1502", $"There is no approval '{message.Approval}'.", "List the open ones.", null), null);
                if (ApprovalInboxGrain.ToFact(stored.Closed, stored.ClosedAt) is { } first)
                    return new DecisionReply(null, IsSame(first, message) ? null : first);
                if (_loop is not { Gone.IsCompleted: false })
                {
                    if (_leaving.Task.IsCompleted)
                        return new DecisionReply(null, null, IsLeaving: true);
                    if (await WakeAsync() is { } refusal)
                        return new DecisionReply(refusal, null);
                    continue;
                }

                var loop = _loop;
                if (await loop.DecideAsync(message).WaitAsync(_startLimit, shared.Time) is not { } decided)
                {
                    // Another answer or the expiry is being recorded, or the code is on its way.
                    await Task.Delay(_firstWait, shared.Time);
                    continue;
                }

                if (decided.Refusal is not null || decided.Outcome.Result == UnitResult.Committed)
                    return new DecisionReply(decided.Refusal, null);
                if (decided.Outcome.Result == UnitResult.Rejected)
                    return new DecisionReply(Rejected(decided.Outcome), null);
                await loop.Gone.WaitAsync(_startLimit, shared.Time);
            }
        }
        catch (TimeoutException)
        {
            return new DecisionReply(Away($"no commit within {_startLimit.TotalSeconds:F0} s; it may yet be").Refusal, null);
        }
        catch (StoreUnavailableException e)
        {
            return new DecisionReply(Away(e.Message).Refusal, null);
        }

        return new DecisionReply(Away("the run doesn't come to where it asks").Refusal, null);
    }

    /// <summary>Whether an answer is the one that stands, sent again because its reply was lost.</summary>
    private static bool IsSame(DecisionFact first, DecisionMessage message) =>
        first.Decision == (message.Approve ? ApprovalDecision.Approved : ApprovalDecision.Rejected) && first.By == message.By && first.Comment == message.Comment
        && (message.Arguments is null ? first.EditedArguments is null : first.EditedArguments is null || first.EditedArguments.AsSpan().SequenceEqual(message.Arguments));

    /// <summary>Takes the run up, so that its code says what it waits for; says why that can't be.</summary>
    private async Task<Refusal?> WakeAsync()
    {
        await _claiming.WaitAsync();
        try
        {
            if (_loop is { Gone.IsCompleted: false } || _leaving.Task.IsCompleted)
                return null;
            if (await FindAsync(CancellationToken.None) is not { } row || RunRows.ToEnd(row) is not null)
                return new Refusal("GRN1502", $"Run '{Id}' has ended and asks nothing any more.", "Look at its result.", null);
            if (row.WaitingOn == "version" || shared.Workflows.Find(row.Workflow, row.WorkflowVersion) is null)
                return Away("it waits for a build with its code, which must judge the answer").Refusal;
            if (await shared.Store.ReadHeadAsync(row.Key, CancellationToken.None) is { } head && !FactKind.IsTerminal(head.Kind))
                await TryClaimAsync(row, head, HasDied(row) ? RecoverReason.OwnerDied : RecoverReason.Due);
            return null;
        }
        finally
        {
            _claiming.Release();
        }
    }

    private bool HasDied(RunRow row) => row.Owner is { } owner && owner != shared.Incarnation && members.IsDead(owner);

    private Refusal? Rejected(UnitOutcome outcome) =>
        Refused(new PayloadException("GRN1604", $"The database refused the message to run '{Id}': {outcome.Error?.Message}", "Send other data.")).Refusal;

    private CallReply Away(string why) => new(null, Refused(new GranaryUnavailableException($"The message to run '{Id}' wasn't stored: {why}.", TimeSpan.FromSeconds(1))).Refusal);
}
