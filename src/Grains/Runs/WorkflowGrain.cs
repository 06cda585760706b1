using System.Text.Json;
using Granary.Approvals;
using Granary.Engine;
using Granary.Grains;
using Granary.Journal;
using Granary.Signals;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Placement;
using Orleans.Runtime;
using Orleans.Runtime.Placement;

namespace Granary.Runs;

/// <summary>
/// One run: starts it, claims it, executes it, answers for it. Starts and claims come one at a time; reads interleave
/// and never claim.
/// </summary>
[GrainType("granary.workflow"), RandomPlacement]
[CollectionAgeLimit(Minutes = 2)]
internal sealed partial class WorkflowGrain(RunServices shared, ISiloMembers members, ILogger<WorkflowGrain> logger) : Grain, IWorkflowGrain
{
    /// <summary>How long a start waits for its commit before the caller is told to try again.</summary>
    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan _queryLimit = TimeSpan.FromSeconds(20);

    /// <summary>How much earlier another silo's clock may find that a run is due.</summary>
    private static readonly TimeSpan _early = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan _firstWait = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(2);

    // Claims come one at a time, also those that interleaved calls make.
    private readonly SemaphoreSlim _claiming = new(1, 1);

    private RunLoop? _loop;
    private RunRow? _row;
    private readonly TaskCompletionSource _leaving = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private string Id => this.GetPrimaryKeyString();

    public async Task<StartReply> StartAsync(StartRequest request)
    {
        await _claiming.WaitAsync();
        try
        {
            return await StartClaimedAsync(request);
        }
        finally
        {
            _claiming.Release();
        }
    }

    private async Task<StartReply> StartClaimedAsync(StartRequest request)
    {
        if (_row is null && shared.Health.Outage is { } outage)
            return Refused(new GranaryUnavailableException($"The start of run '{Id}' wasn't stored: the database has been away for {outage.For.TotalSeconds:F0} s ({outage.Reason}).", TimeSpan.FromSeconds(1)));

        if (_row is not null)
            return Existing(_row, request);

        object? input = null;
        var descriptor = shared.Workflows.Newest(request.Workflow);
        if (descriptor is not null)
        {
            try
            {
                input = descriptor.ReadInput(request.Input, shared.Codec.Values.Options);
            }
            catch (Exception e)
            {
                return Refused(new PayloadException("GRN1603", $"The input of run '{Id}' can't be read as the input of workflow '{request.Workflow}': {e.Message}",
                    "Send JSON that fits the workflow's input type."));
            }
        }

        while (true)
        {
            var now = shared.Time.GetUtcNow();
            var timeout = (request.Timeout ?? descriptor?.Options.Timeout) is { } limit && limit != Timeout.InfiniteTimeSpan ? limit : (TimeSpan?)null;
            var row = new RunRow
            {
                Key = shared.Keys.Next(),
                Id = Id,
                Workflow = request.Workflow,
                WorkflowVersion = descriptor?.Version ?? 1,
                Version = shared.Version,
                Status = descriptor is null ? RunStatus.Waiting : RunStatus.Running,
                WaitingOn = descriptor is null ? "version" : null,
                Error = descriptor is null ? UnknownWorkflow(request.Workflow, 1) : null,
                Owner = descriptor is null ? null : shared.Incarnation,
                Input = shared.Codec.Encode(request.Input),
                TraceParent = request.TraceParent,
                CreatedAt = now,
                StartedAt = descriptor is null ? null : now,
                Deadline = descriptor is null ? null : now + timeout,
            };
            var journal = new RunJournal(row.Key, descriptor is null ? 0 : 1);
            var started = new JournalRow
            {
                Kind = FactKind.Started,
                Epoch = journal.Epoch,
                Name = row.Owner,
                Input = timeout is { } later ? shared.Codec.Encode(JsonSerializer.SerializeToUtf8Bytes(new RunLimit(later), GranaryJson.Own)) : null,
            };
            var append = shared.Writer.AppendAsync(journal, [started], null, row);
            UnitOutcome outcome;
            try
            {
                outcome = await append.WaitAsync(_startLimit, shared.Time);
            }
            catch (TimeoutException)
            {
                // It is still queued and may yet be committed: then the run exists and this process goes on with it.
                Adopt(append, row, journal, started, descriptor, input);
                return Refused(new GranaryUnavailableException($"The start of run '{Id}' was not confirmed within {_startLimit.TotalSeconds:F0} s; it may or may not be stored.", TimeSpan.FromSeconds(1)));
            }

            switch (outcome.Result)
            {
                case UnitResult.Committed:
                    CrashPoint.At("start: committed");
                    Begin(row, journal, RunHistory.Empty, started.CommittedAt, descriptor, input);
                    return new StartReply(true, false, null, null);
                case UnitResult.IdTaken:
                    if (await FindAsync(CancellationToken.None) is { } existing)
                        return Existing(existing, request);
                    continue;
                case UnitResult.KeyTaken:
                    continue;
                case UnitResult.Rejected:
                    return Refused(new PayloadException("GRN1604", $"The database refused to store run '{Id}': {outcome.Error?.Message}", "Start it with another id or input."));
                default:
                    return Refused(new GranaryUnavailableException($"The start of run '{Id}' wasn't stored: this process is stopping."));
            }
        }
    }

    public async Task<bool> RecoverAsync(RecoverReason reason, string? owner)
    {
        await _claiming.WaitAsync();
        try
        {
            return await RecoverClaimedAsync(reason, owner);
        }
        finally
        {
            _claiming.Release();
        }
    }

    private async Task<bool> RecoverClaimedAsync(RecoverReason reason, string? owner)
    {
        if (_loop is { Gone.IsCompleted: false })
            return true;
        for (var attempt = 0; attempt < 20; attempt++)
        {
            if (await FindAsync(CancellationToken.None) is not { } row || RunRows.ToEnd(row) is not null
                || await shared.Store.ReadHeadAsync(row.Key, CancellationToken.None) is not { } head || FactKind.IsTerminal(head.Kind))
            {
                return true;
            }

            // Somebody has it; or it was taken up and has parked again since the caller saw it.
            if (row.Owner != owner || (row.Owner is null && row.WakeAt > shared.Time.GetUtcNow() + _early))
                return true;
            if (IsForAnotherBuild(row))
            {
                _leaving.TrySetResult();
                MigrateOnIdle();
                return false;
            }

            if (await TryClaimAsync(row, head, reason))
                return true;
        }

        return false;
    }

    public async Task<RunEnd?> WaitForEndAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var deadline = shared.Time.GetUtcNow() + limit;
        while (true)
        {
            var changed = _changed.Task;
            if (_loop is { } loop && (loop.Gone.IsCompleted ? await loop.Gone : null) is { } ended)
                return ended;
            if (_loop is null or { Gone.IsCompleted: true })
            {
                var row = await FindAsync(cancellationToken);
                if (row is null || RunRows.ToEnd(row) is not null)
                    return row is null ? null : RunRows.ToEnd(row);
            }

            if (!await WaitAsync(_loop is { Gone.IsCompleted: false } running ? running.Gone : changed, deadline, cancellationToken))
                return null;
        }
    }

    public async Task<RunSnapshot?> InfoAsync() =>
        await FindAsync(CancellationToken.None) is { } row ? RunRows.ToSnapshot(row) : null;

    public async Task<JournalPage> ReadJournalAsync(long after, TimeSpan limit, CancellationToken cancellationToken)
    {
        var deadline = shared.Time.GetUtcNow() + limit;
        while (true)
        {
            // Taken before the read: a commit in between completes it.
            var changed = _changed.Task;
            if (await FindAsync(cancellationToken) is not { } row)
                return new JournalPage([], false, false);
            await foreach (var rows in shared.Store.ReadAsync(row.Key, after + 1, long.MaxValue, cancellationToken))
            {
                if (rows.Count > 0)
                    return new JournalPage([.. rows.Select(RunRows.ToFact)], true, FactKind.IsTerminal(rows[^1].Kind));
            }

            if (RunRows.ToEnd(row) is not null || !await WaitAsync(changed, deadline, cancellationToken))
                return new JournalPage([], true, RunRows.ToEnd(row) is not null);
        }
    }

    public async Task<QueryReply> QueryAsync(string query)
    {
        if (_loop is { Gone.IsCompleted: false } loop && await loop.QueryAsync(query).WaitAsync(_queryLimit, shared.Time) is { } live)
            return new QueryReply(true, live.Value, live.Refusal);
        if (await FindAsync(CancellationToken.None) is not { } row)
            return new QueryReply(false, null, null);
        if (shared.Workflows.Find(row.Workflow, row.WorkflowVersion) is not { } descriptor)
            return new QueryReply(true, null, Away($"no build here has workflow '{row.Workflow}' of version {row.WorkflowVersion}").Refusal);
        if (await shared.Store.ReadHeadAsync(row.Key, CancellationToken.None) is not { } head)
            return new QueryReply(false, null, null);

        // A copy of the run as its journal has it: it appends nothing, starts nothing and goes with the call.
        var history = await ReadHistoryAsync(row.Key, head.Seq);
        var copy = new RunLoop(shared, row, RunJournal.After(row.Key, head.Epoch, head), history, history.StartedAt, descriptor,
            descriptor.ReadInput(PayloadCodec.Decode(row.Input), shared.Codec.Values.Options), TaskScheduler.Current, isReadOnly: true);
        copy.Start();
        try
        {
            return await copy.QueryAsync(query).WaitAsync(_queryLimit, shared.Time) is { } replayed
                ? new QueryReply(true, replayed.Value, replayed.Refusal)
                : new QueryReply(true, null, Away("its code could not be replayed").Refusal);
        }
        finally
        {
            copy.Drop();
        }
    }

    public async Task<EventReply> ReadEventAsync(string name, long? after, TimeSpan limit, CancellationToken cancellationToken)
    {
        var deadline = shared.Time.GetUtcNow() + limit;
        while (true)
        {
            // Taken before the read: a commit in between completes it.
            var changed = _changed.Task;
            if (await FindAsync(cancellationToken) is not { } row)
                return new EventReply(false, false, null);
            var found = after is { } place
                ? (await shared.Store.ReadEventsAsync(Id, name, place, 1, cancellationToken)).FirstOrDefault()
                : await shared.Store.FindEventAsync(Id, name, cancellationToken);
            if (found is not null)
                return new EventReply(true, false, new EventFact(found.Seq, found.StepKey, PayloadCodec.Decode(found.Value), found.At));
            if (RunRows.ToEnd(row) is not null || !await WaitAsync(changed, deadline, cancellationToken))
                return new EventReply(true, RunRows.ToEnd(row) is not null, null);
        }
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_loop is not { Gone.IsCompleted: false } loop)
            return;
        if (reason.ReasonCode != DeactivationReasonCode.ShuttingDown)
        {
            // The row still names this silo as the owner; the silo finds it without a loop and takes it up again.
            loop.Drop();
            shared.Running.Abandon(Id);
            return;
        }

        try
        {
            await loop.ReleaseAsync().WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            loop.Drop();
        }
    }

    /// <summary>Reads the run's row; what the store says of its trouble is told to callers in their terms.</summary>
    private async Task<RunRow?> FindAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await shared.Store.FindRunAsync(Id, cancellationToken);
        }
        catch (StoreUnavailableException e)
        {
            throw new GranaryUnavailableException($"Run '{Id}' can't be read: {e.Message}.", TimeSpan.FromSeconds(1));
        }
    }

    private StartReply Existing(RunRow row, StartRequest request)
    {
        if (row.Workflow != request.Workflow)
            return new StartReply(false, false, row.Workflow, null);
        var differs = !PayloadCodec.Decode(row.Input).AsSpan().SequenceEqual(request.Input);
        if (differs)
            LogInputDiffers(Id);
        return new StartReply(false, differs, null, null);
    }

    private static StartReply Refused(GranaryException e) =>
        new(false, false, null, new Refusal(e.Code, e.What, e.Remedy, (e as GranaryUnavailableException)?.RetryAfter));

    /// <summary>Whether the silo that asks may have what a run waits for: this one lacks its workflow, or replays it otherwise.</summary>
    private bool IsForAnotherBuild(RunRow row) =>
        row is { Status: RunStatus.Waiting, WaitingOn: "version" }
        && RequestContext.Get(IPlacementDirector.PlacementHintKey) is SiloAddress asking && asking.ToParsableString() != shared.Incarnation
        && (shared.Workflows.Find(row.Workflow, row.WorkflowVersion) is null || (row.Error is { } error && RunHistory.ReadError(error).Code != WorkflowRegistry.LackingCode));

    /// <summary>Appends the claim; a conflict is for the caller to look at again.</summary>
    private async Task<bool> TryClaimAsync(RunRow row, JournalHead head, RecoverReason reason, (JournalRow Row, SideRow? Side)? message = null, DateTimeOffset? deadline = null)
    {
        var resumes = message?.Row.Kind == FactKind.Resumed;
        // One that only waited did nothing that could have killed its process.
        var died = reason == RecoverReason.OwnerDied && row.Status != RunStatus.Waiting;
        var descriptor = shared.Workflows.Find(row.Workflow, row.WorkflowVersion);
        var journal = RunJournal.After(row.Key, head.Epoch + 1, head);
        var claimed = new JournalRow { Kind = FactKind.Claimed, Epoch = journal.Epoch, Name = shared.Incarnation, Attempt = died ? 1 : 0 };
        List<JournalRow> rows = message is { } woken ? [claimed, woken.Row] : [claimed];
        IReadOnlyList<SideRow> sides = message?.Side is { } side ? [side] : [];
        if (descriptor is null)
        {
            if (message is null && row is { Status: RunStatus.Waiting, WaitingOn: "version" })
                return true;
            LogUnknownWorkflow(Id, row.Workflow, row.WorkflowVersion);
            rows.Add(new JournalRow { Kind = FactKind.Parked, Epoch = journal.Epoch });
            return (await shared.Writer.AppendAsync(journal, rows,
                new RunChange { Status = RunStatus.Waiting, WaitingOn = "version", Error = UnknownWorkflow(row.Workflow, row.WorkflowVersion) }, sides: sides)).Result == UnitResult.Committed;
        }

        // The clock of a run that nobody could execute at its start begins now.
        if (row is { StartedAt: null, Deadline: null } && deadline is null && (await ReadHistoryAsync(row.Key, head.Seq)).Timeout is { } limit)
            deadline = shared.Time.GetUtcNow() + limit;
        var outcome = await shared.Writer.AppendAsync(journal, rows,
            new RunChange { Status = RunStatus.Running, Owner = shared.Incarnation, RecoveryAttempts = died ? 1 : 0, Starts = true, Resumes = resumes, Deadline = deadline }, sides: sides);
        if (outcome.Result != UnitResult.Committed)
            return false;

        CrashPoint.At("claim: committed");

        // Only what lies below the own claim: an older owner can add nothing to that.
        var history = await ReadHistoryAsync(row.Key, rows[^1].Seq);
        CrashPoint.At("claim: journal read");
        LogClaimed(Id, journal.Epoch, claimed.Seq);
        if ((descriptor.Options.MaxRecoveries ?? shared.Options.MaxRecoveries) is { } most && history.DeathsSinceProgress > most)
        {
            await EndAsync(journal, FactKind.Poisoned, RunStatus.Poisoned, new RunPoisonedException(new RunId(Id)));
            return true;
        }

        object? input;
        try
        {
            input = descriptor.ReadInput(PayloadCodec.Decode(row.Input), shared.Codec.Values.Options);
        }
        catch (Exception e)
        {
            await EndAsync(journal, FactKind.Failed, RunStatus.Failed, new PayloadException("GRN1603",
                $"The recorded input of run '{Id}' can't be read as the input of workflow '{row.Workflow}': {e.Message}", "Start a new run with an input that fits."));
            return true;
        }

        Begin(row with { Deadline = resumes ? deadline : deadline ?? row.Deadline }, journal, history, history.StartedAt, descriptor, input);
        return true;
    }

    /// <summary>Reads until the store gives all of it: a claim that was left unused would look like a fault of the run's.</summary>
    private async Task<RunHistory> ReadHistoryAsync(long key, long last)
    {
        for (var wait = _firstWait; ; wait = wait < _longestWait ? wait * 2 : wait)
        {
            try
            {
                var history = new RunHistory();
                long count = 0;
                await foreach (var rows in shared.Store.ReadAsync(key, 1, last, CancellationToken.None))
                {
                    foreach (var fact in rows)
                        history.Add(fact);
                    count += rows.Count;
                }

                return count == last ? history : throw new GranaryException("GRN9901", $"The journal of run '{Id}' has {count} of {last} rows.", "Please report this.");
            }
            catch (StoreUnavailableException e)
            {
                LogReadFailed(e, Id);
                await Task.Delay(wait, shared.Time, shared.Stopping);
            }
        }
    }

    private static byte[] UnknownWorkflow(string workflow, int version) => RunHistory.WriteError(RunErrors.Describe(new GranaryException(WorkflowRegistry.LackingCode,
        $"This build has no workflow '{workflow}' of version {version}; the run waits for one that has.", "Add it with AddWorkflow, or check the name.")));

    private async Task EndAsync(RunJournal journal, string kind, RunStatus status, GranaryException why)
    {
        LogEndedUnrun(Id, status, why.Message);
        var error = RunHistory.WriteError(RunErrors.Describe(why));
        await shared.Writer.AppendAsync(journal, [new JournalRow { Kind = kind, Epoch = journal.Epoch, Error = error }],
            new RunChange { Status = status, Result = new RunResult(null, error) });
        Pulse();
        Go();
    }

    private void Begin(RunRow row, RunJournal journal, RunHistory history, DateTimeOffset startedAt, WorkflowDescriptor? descriptor, object? input)
    {
        _row = row;
        if (descriptor is null)
        {
            LogUnknownWorkflow(Id, row.Workflow, row.WorkflowVersion);
            return;
        }

        var loop = new RunLoop(shared, row, journal, history, startedAt, descriptor, input, TaskScheduler.Current) { Committed = Pulse };
        _loop = loop;

        // A loop is no activity to Orleans: without this the activation would be collected as idle while it runs.
        DelayDeactivation(TimeSpan.FromDays(365_000));
        _ = LeaveAfterAsync(loop);
        loop.Start();
        Pulse();
    }

    private async Task LeaveAfterAsync(RunLoop loop)
    {
        await loop.Gone;
        if (_loop != loop)
            return;
        Pulse();

        // Before the activation goes: a keeper that isn't told finds the run at its next look, which may be late.
        if (loop.ParkedUntil is { } due)
            await shared.WakeUps.TellAsync(loop.Key, Id, due);

        // Not while a call takes the run up again: what it begins would go with this activation.
        await _claiming.WaitAsync();
        try
        {
            if (_loop == loop)
                Go();
        }
        finally
        {
            _claiming.Release();
        }
    }

    /// <summary>Leaves as soon as no call is open: those that only wait are answered, and ask the next activation.</summary>
    private void Go()
    {
        _leaving.TrySetResult();
        DeactivateOnIdle();
    }

    private void Adopt(Task<UnitOutcome> append, RunRow row, RunJournal journal, JournalRow started, WorkflowDescriptor? descriptor, object? input)
    {
        DelayDeactivation(TimeSpan.FromDays(365_000));
        _ = AdoptAsync();

        async Task AdoptAsync()
        {
            if ((await append).Result == UnitResult.Committed && _loop is null)
                Begin(row, journal, RunHistory.Empty, started.CommittedAt, descriptor, input);
            else if (_loop is null)
                Go();
        }
    }

    /// <summary>Tells whoever waits that there is something new to read.</summary>
    private void Pulse()
    {
        var old = Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        old.TrySetResult();
    }

    /// <summary>False at the deadline, and when this activation or its silo goes: an open call would hold it up.</summary>
    private async Task<bool> WaitAsync(Task task, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        if (task.IsCompleted)
            return true;
        var left = deadline - shared.Time.GetUtcNow();
        if (left <= TimeSpan.Zero || _leaving.Task.IsCompleted || shared.Stopping.IsCancellationRequested)
            return false;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, shared.Stopping);
        try
        {
            // Both may have completed by now, in either order to whoever waits for the first: the task counts.
            await Task.WhenAny(task, _leaving.Task).WaitAsync(left, shared.Time, stop.Token);
            return task.IsCompleted;
        }
        catch (Exception e) when (e is TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    [LoggerMessage(1101, LogLevel.Information, "Run '{RunId}' is claimed as epoch {Epoch} at row {Row}.")]
    private partial void LogClaimed(string runId, int epoch, long row);

    [LoggerMessage(1105, LogLevel.Warning, "The journal of run '{RunId}', which is claimed here, couldn't be read; it is read again.")]
    private partial void LogReadFailed(Exception exception, string runId);

    [LoggerMessage(1102, LogLevel.Warning, "Run '{RunId}' waits: this build has no workflow '{Workflow}' of version {Version}.")]
    private partial void LogUnknownWorkflow(string runId, string workflow, int version);

    [LoggerMessage(1104, LogLevel.Warning, "Run '{RunId}' was started again with another input; its first input stands.")]
    private partial void LogInputDiffers(string runId);

    [LoggerMessage(1103, LogLevel.Error, "Run '{RunId}' ended as {Status}: {Reason}")]
    private partial void LogEndedUnrun(string runId, RunStatus status, string reason);
}
