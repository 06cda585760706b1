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
internal sealed class GranaryClient(IGrainFactory grains, ValueJson values, TimeProvider time, IServiceProvider services, CancellationToken stopping, CallRetry retry, TimeSpan poll)
    : IGranaryClient, IRunStarter, IRunReader, IServicesSource
{
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

    public RunHandle Handle(StartedRun run) => new(run.Id, this, run.IsNew, run.InputDiffers);

    public RunHandle<TOut> Handle<TOut>(StartedRun run) => new(run.Id, this, run.IsNew, run.InputDiffers);

    public async Task<StartedRun> StartAsync<TIn>(string workflow, TIn input, RunOptions? options, CancellationToken cancellationToken)
    {
        RefuseInWorkflowCode();
        Names.CheckName(workflow, "workflow name");
        var id = options?.Id is { } given ? new RunId(given.Value) : new RunId(Guid.CreateVersion7(time.GetUtcNow()).ToString());
        var json = values.Write(input, $"The input of run '{id}' of workflow '{workflow}'");
        var request = new StartRequest(workflow, json, Activity.Current?.Id);
        var reply = await retry.CallAsync(_ => Grain(id).StartAsync(request),
            $"The start of run '{id}' was not confirmed in time; it may or may not be stored", cancellationToken).ConfigureAwait(false);
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
            RunStatus.Cancelled => throw new RunCancelledException(id, end.Error is null ? null : RunSnapshots.ReadError(end.Error).Message),
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
            var from = after;
            var page = await retry.CallAsync(_ => Grain(id).ReadJournalAsync(from, TimeSpan.Zero, cancellationToken), $"Run '{id}' can't be read", cancellationToken).ConfigureAwait(false);
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

    private async Task<RunSnapshot> SnapshotAsync(RunId id, CancellationToken cancellationToken) =>
        await retry.CallAsync(_ => Grain(id).InfoAsync(), $"Run '{id}' can't be read", cancellationToken).ConfigureAwait(false) ?? throw new RunNotFoundException(id);

    /// <summary>One long poll; one that was cut off, or whose activation went away, is simply made again.</summary>
    private async Task<T?> PollAsync<T>(RunId id, Func<IWorkflowGrain, Task<T>> call, CancellationToken cancellationToken)
        where T : class?
    {
        var begun = time.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        try
        {
            stop.Token.ThrowIfCancellationRequested();
            var answer = await retry.CallAsync(_ => call(Grain(id)), $"Run '{id}' can't be waited for", stop.Token).ConfigureAwait(false);

            // An activation that goes answers at once; the next one may take a moment to be there.
            if (answer is null or JournalPage { Facts.Count: 0, HasEnded: false, Exists: true } && time.GetElapsedTime(begun) < _early)
                await Task.Delay(_pause, time, stop.Token).ConfigureAwait(false);
            return answer;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new GranaryUnavailableException($"Run '{id}' isn't waited for any longer: this process is stopping. The run itself goes on in the next one.");
        }
    }

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
