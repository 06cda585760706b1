using System.Diagnostics;
using Granary.Engine;
using Granary.Grains;

namespace Granary.Client;

/// <summary>Talks to runs by grain calls. A singleton; thread-safe.</summary>
/// <param name="grains">The grains.</param>
/// <param name="values">Writes inputs and reads results.</param>
/// <param name="time">The clock.</param>
/// <param name="services">The services of this process.</param>
/// <param name="stopping">Fires when this process begins to stop: whoever waits here is told, instead of asking a silo that goes.</param>
/// <param name="retry">Makes calls again.</param>
/// <param name="poll">How long one long poll waits: well below Orleans' response timeout.</param>
/// <param name="actor">For whom it acts.</param>
internal sealed class GranaryClient(IGrainFactory grains, ValueJson values, TimeProvider time, IServiceProvider services, CancellationToken stopping, CallRetry retry, TimeSpan poll, Actor? actor = null)
    : IGranaryClient, IRunStarter, IRunReader, IApprovalDesk, IServicesSource
{
    private const int PageSize = 100;

    private static readonly TimeSpan _early = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);

    public IServiceProvider Services { get; } = services;

    public IWorkflowRef<TWorkflow> Workflow<TWorkflow>()
        where TWorkflow : Workflow
    {
        var name = WorkflowDescriptor.NameOf(typeof(TWorkflow));

        // A silo that was given the class but not told to execute it: the run would wait for ever.
        if (!typeof(TWorkflow).IsAbstract && Services.GetService(typeof(IStoreHealth)) is not null
            && Services.GetService(typeof(IEnumerable<WorkflowDescriptor>)) is IEnumerable<WorkflowDescriptor> known && known.All(w => w.Name != name))
        {
            throw new GranaryUsageException("GRN1803", $"The workflow class {typeof(TWorkflow)} isn't registered here.",
                $"Add it with AddWorkflow<{typeof(TWorkflow).Name}>() where AddGranary is called, or use a contract class where others execute it.");
        }

        return new WorkflowRef<TWorkflow>(name, this);
    }

    public IWorkflowRef<Workflow<TIn, TOut>> Workflow<TIn, TOut>(string name)
    {
        Names.CheckName(name, "workflow name");
        return new WorkflowRef<Workflow<TIn, TOut>>(name, this);
    }

    public NamedWorkflow Workflow(string name)
    {
        Names.CheckName(name, "workflow name");
        return new NamedWorkflow(name, this);
    }

    public RunHandle Run(RunId id) => new(new RunId(id.Value), this, isNew: false, inputDiffers: false);

    public RunHandle<TOut> Run<TOut>(RunId id) => new(new RunId(id.Value), this, isNew: false, inputDiffers: false);

    public ApprovalInbox Approvals => new(this);

    public IGranaryClient As(string user, params string[] roles)
    {
        Names.CheckName(user, "user");
        foreach (var role in roles)
            Names.CheckName(role, "role");
        return new GranaryClient(grains, values, time, Services, stopping, retry, poll, new Actor(user, roles));
    }

    public RunHandle Handle(StartedRun run) => new(run.Id, this, run.IsNew, run.InputDiffers);

    public RunHandle<TOut> Handle<TOut>(StartedRun run) => new(run.Id, this, run.IsNew, run.InputDiffers);

    public async Task<StartedRun> StartAsync<TIn>(string workflow, TIn input, RunOptions? options, CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        Names.CheckName(workflow, "workflow name");
        var id = options?.Id is { } given ? new RunId(given.Value) : new RunId(Guid.CreateVersion7(time.GetUtcNow()).ToString());
        var json = values.Write(input, $"The input of run '{id}' of workflow '{workflow}'");
        CheckTimeout(options?.Timeout);
        var request = new StartRequest(workflow, json, Activity.Current?.Id, options?.Timeout);
        var reply = await CallAsync(id, $"The start of run '{id}' was not confirmed; it may or may not be stored", grain => grain.StartAsync(request), cancellationToken).ConfigureAwait(false);
        if (reply.Refusal is { } refusal)
            throw Refused(refusal);
        if (reply.ConflictingWorkflow is { } other)
            throw new RunConflictException(id, other, workflow);

        // An id that was drawn here is nobody else's, though an answer may have been lost on its way.
        return new StartedRun(id, reply.IsNew || options?.Id is null, reply.InputDiffers);
    }

    public async Task<T> ResultAsync<T>(RunId id, CancellationToken cancellationToken)
    {
        var end = await EndAsync(id, cancellationToken).ConfigureAwait(false);
        return end.Status switch
        {
            RunStatus.Succeeded => end.Output is null ? default! : values.Read<T>(end.Output, $"The result of run '{id}'")!,
            RunStatus.Failed => throw new RunFailedException(id, RunSnapshots.ReadError(end.Error)),
            RunStatus.Cancelled => throw new RunCancelledException(id, end.Error is null ? null : RunSnapshots.ReadError(end.Error).Message is { Length: > 0 } reason ? reason : null),
            _ => throw new RunPoisonedException(id),
        };
    }

    public Task WaitAsync(RunId id, CancellationToken cancellationToken) => EndAsync(id, cancellationToken);

    public async Task<RunInfo> InfoAsync(RunId id, CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        return RunSnapshots.ToInfo(await SnapshotAsync(id, cancellationToken).ConfigureAwait(false));
    }

    public async IAsyncEnumerable<StepInfo> StepsAsync(RunId id, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        long after = 0;
        while (true)
        {
            var page = await CallAsync(id, $"The steps of run '{id}' can't be read", grain => grain.ReadJournalAsync(after, TimeSpan.Zero, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (!page.Exists)
                throw new RunNotFoundException(id);
            if (page.Facts.Count == 0)
                yield break;
            foreach (var fact in page.Facts)
            {
                after = fact.Sequence;
                if (RunSnapshots.ToStep(fact) is { } step)
                    yield return step;
            }
        }
    }

    public async IAsyncEnumerable<RunUpdate> WatchAsync(RunId id, long after, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        while (true)
        {
            var page = await PollAsync(id, grain => grain.ReadJournalAsync(after, poll, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (page is null)
                continue;
            if (!page.Exists)
                throw new RunNotFoundException(id);
            foreach (var fact in page.Facts)
            {
                after = fact.Sequence;
                if (RunSnapshots.ToUpdate(fact) is { } update)
                    yield return update;
            }

            if (page.HasEnded)
                yield break;
        }
    }

    public async Task SignalAsync<T>(RunId id, string topic, T payload, string? idempotencyKey, CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        Names.CheckName(topic, "topic");
        if (idempotencyKey is not null)
            Names.CheckIdempotencyKey(idempotencyKey);

        // Always a key: the call may be made again after its answer was lost.
        var message = new SignalMessage(topic, idempotencyKey ?? Guid.CreateVersion7(time.GetUtcNow()).ToString(), StepContext.Current?.RunId.Value,
            values.Write(payload, $"The signal to topic '{topic}' of run '{id}'"));
        var reply = await TellAsync(id, $"The signal to run '{id}' was not confirmed; it may or may not be stored", grain => grain.SignalAsync(message), r => r.IsLeaving, cancellationToken).ConfigureAwait(false);
        ThrowRefused(id, reply, "can't be sent a signal");
    }

    public async Task ResumeAsync(RunId id, ResumeOptions? options, CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        CheckTimeout(options?.Timeout);
        var reply = await TellAsync(id, $"The resumption of run '{id}' was not confirmed; it may or may not be stored", grain => grain.ResumeAsync(options?.Timeout), r => r.IsLeaving, cancellationToken).ConfigureAwait(false);
        if (reply.Refusal is { } refusal)
            throw Refused(refusal);
        if (reply.Status is null)
            throw new RunNotFoundException(id);
    }

    private static void CheckTimeout(TimeSpan? timeout)
    {
        if (timeout is { } span && span != Timeout.InfiniteTimeSpan && (span <= TimeSpan.Zero || span > TimeSpan.FromDays(36_500)))
            throw new GranaryUsageException("GRN1702", $"A run can't have the limit {span}.", "Pass a positive time of less than a hundred years, or Timeout.InfiniteTimeSpan.");
    }

    public async Task CancelAsync(RunId id, string? reason, CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        var reply = await TellAsync(id, $"The cancellation of run '{id}' was not confirmed; it may or may not be stored", grain => grain.CancelAsync(reason, actor?.User), r => r.IsLeaving, cancellationToken).ConfigureAwait(false);
        if (reply.Status != RunStatus.Cancelled)
            ThrowRefused(id, reply, "can't be cancelled");
    }

    public async Task<T> QueryAsync<T>(RunId id, string query, CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        Names.CheckName(query, "query name");
        var reply = await CallAsync(id, $"The query '{query}' of run '{id}' wasn't answered", grain => grain.QueryAsync(query), cancellationToken).ConfigureAwait(false);
        if (reply.Refusal is { } refusal)
            throw Refused(refusal);
        return reply.Exists ? values.Read<T>(reply.Value, $"The query '{query}' of run '{id}'")! : throw new RunNotFoundException(id);
    }

    public async Task<EventValue<T>?> EventAsync<T>(RunId id, string name, long? after, TimeSpan within, CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        var begun = time.GetTimestamp();
        while (true)
        {
            var left = within == Timeout.InfiniteTimeSpan ? poll : within - time.GetElapsedTime(begun);
            left = left < TimeSpan.Zero ? TimeSpan.Zero : left < poll ? left : poll;
            var reply = await PollAsync(id, grain => grain.ReadEventAsync(name, after, left, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (reply is { Event: { } found })
                return new EventValue<T>(values.Read<T>(found.Value, $"The event '{name}' of run '{id}'")!, new StepKey(found.StepKey), found.At, found.Sequence);
            if (reply is { Exists: false })
                throw new RunNotFoundException(id);
            if (reply is { HasEnded: true } && within != TimeSpan.Zero)
                throw new RunStateException(id, (await SnapshotAsync(id, cancellationToken).ConfigureAwait(false)).Status, $"sets no {(after is null ? "" : "more ")}event '{name}'");
            if (within != Timeout.InfiniteTimeSpan && time.GetElapsedTime(begun) >= within)
                return null;
        }
    }

    public byte[] Write<T>(T arguments, string id) => values.Write(arguments, $"The edited arguments of approval '{id}'");

    public async IAsyncEnumerable<PendingApproval> ListAsync(ApprovalFilter filter, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        IReadOnlyList<ApprovalFact> page = [];
        do
        {
            var last = page.Count == 0 ? null : page[^1];
            page = await InboxAsync("The approvals can't be listed", inbox => inbox.ListAsync(filter.Run?.Value, filter.Workflow, last, PageSize), cancellationToken).ConfigureAwait(false);
            foreach (var fact in page)
            {
                if (filter.Decider is null || fact.Deciders.Count == 0 || fact.Deciders.Contains(filter.Decider))
                    yield return PendingApprovals.ToPending(fact);
            }
        }
        while (page.Count == PageSize);
    }

    public async Task DecideAsync(string id, bool approve, byte[]? arguments, string? comment, CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        var found = await InboxAsync($"Approval '{id}' can't be read", inbox => inbox.FindAsync(id), cancellationToken).ConfigureAwait(false)
            ?? throw new GranaryException("GRN1502", $"There is no approval '{id}'.", "List the open ones.");
        var message = new DecisionMessage(id, approve, arguments, comment, actor?.User, actor?.Roles ?? []);
        var reply = await TellAsync(new RunId(found.Run), $"The answer to approval '{id}' was not confirmed; it may or may not be stored", grain => grain.DecideAsync(message), r => r.IsLeaving, cancellationToken).ConfigureAwait(false);
        if (reply.Refusal is { } refusal)
            throw Refused(refusal);
        if (reply.First is { } first)
            throw new ApprovalClosedException(id, new Approval(id, first.Decision, first.By, first.Comment, first.At));
    }

    private async Task<T> InboxAsync<T>(string what, Func<IApprovalInboxGrain, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await retry.CallAsync(_ => call(grains.GetGrain<IApprovalInboxGrain>(0)), what, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsWithoutSilo(e))
        {
            throw Unreachable(what, e);
        }
    }

    /// <summary>A call that an activation may be too late for; the next one is there in a moment.</summary>
    private async Task<T> TellAsync<T>(RunId id, string what, Func<IWorkflowGrain, Task<T>> call, Func<T, bool> isLeaving, CancellationToken cancellationToken)
    {
        while (true)
        {
            var reply = await CallAsync(id, what, call, cancellationToken).ConfigureAwait(false);
            if (!isLeaving(reply))
                return reply;
            await Task.Delay(_pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static void ThrowRefused(RunId id, CallReply reply, string verb)
    {
        if (reply.Refusal is { } refusal)
            throw Refused(refusal);
        if (reply.Status is not { } status)
            throw new RunNotFoundException(id);
        if (status is RunStatus.Succeeded or RunStatus.Failed or RunStatus.Cancelled or RunStatus.Poisoned)
            throw new RunStateException(id, status, verb);
    }

    private async Task<RunEnd> EndAsync(RunId id, CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        while (true)
        {
            var end = await PollAsync(id, grain => grain.WaitForEndAsync(poll, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (end is not null)
                return end;
            _ = await SnapshotAsync(id, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>One long poll; one that was cut off, or whose activation went away, is simply made again.</summary>
    private async Task<T?> PollAsync<T>(RunId id, Func<IWorkflowGrain, Task<T>> call, CancellationToken cancellationToken)
        where T : class?
    {
        var begun = time.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        try
        {
            stop.Token.ThrowIfCancellationRequested();
            var answer = await CallAsync(id, $"Run '{id}' can't be waited for", call, stop.Token).ConfigureAwait(false);

            // An activation that goes answers at once; the next one may take a moment to be there.
            if (answer is null or JournalPage { Facts.Count: 0, HasEnded: false, Exists: true } or EventReply { Event: null, HasEnded: false, Exists: true } && time.GetElapsedTime(begun) < _early)
                await Task.Delay(_pause, time, stop.Token).ConfigureAwait(false);
            return answer;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new GranaryUnavailableException($"Run '{id}' isn't waited for any longer: this process is stopping. The run itself goes on in the next one.");
        }
    }

    private async Task<RunSnapshot> SnapshotAsync(RunId id, CancellationToken cancellationToken) =>
        await CallAsync(id, $"Run '{id}' can't be read", grain => grain.InfoAsync(), cancellationToken).ConfigureAwait(false) ?? throw new RunNotFoundException(id);

    /// <summary>One call; that the silo isn't there, or doesn't answer, is told in the caller's terms.</summary>
    private async Task<T> CallAsync<T>(RunId id, string what, Func<IWorkflowGrain, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await retry.CallAsync(_ => call(Grain(id)), what, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsWithoutSilo(e))
        {
            throw Unreachable(what, e);
        }
    }

    /// <summary>What Orleans throws when its part of this process isn't there yet, or not any more: before its start it simply has nothing to call.</summary>
    private static bool IsWithoutSilo(Exception e) => e is Orleans.Runtime.OrleansException or ObjectDisposedException or InvalidOperationException or NullReferenceException;

    private GranaryUnavailableException Unreachable(string what, Exception e) =>
        new($"{what}: {(stopping.IsCancellationRequested ? "this process is stopping" : "no silo can be reached; has the host been started?")}.", TimeSpan.FromSeconds(1), e);

    private static GranaryException Refused(Refusal refusal) => refusal.Code switch
    {
        "GRN9001" => new GranaryUnavailableException(refusal.What, refusal.RetryAfter),
        "GRN1601" or "GRN1602" or "GRN1603" or "GRN1604" => new PayloadException(refusal.Code, refusal.What, refusal.Remedy),
        _ => new GranaryException(refusal.Code, refusal.What, refusal.Remedy),
    };

    private IWorkflowGrain Grain(RunId id) => grains.GetGrain<IWorkflowGrain>(id.Value);

    private static void RefuseInWorkflowCode()
    {
        if (WorkflowContext.Current is { } ctx)
        {
            throw new GranaryUsageException("GRN1205", $"The client is used in the code of run '{ctx.RunId}'.",
                "Use the context's verbs, or the client inside a step's body.");
        }
    }
}
