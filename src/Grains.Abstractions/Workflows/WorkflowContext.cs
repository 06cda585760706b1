using Granary.Engine;
using Microsoft.Extensions.Logging;

namespace Granary;

/// <summary>
/// The verbs of a run, as its own code uses them. Every verb that has an outcome is a step: recorded once, and on replay
/// answered from the record.
/// </summary>
/// <remarks>
/// Valid only in the run's code: outside of it verbs throw <c>GRN1204</c>, inside a step's body <c>GRN1207</c>. Not
/// thread-safe and needn't be: a run's code executes one piece at a time. If the process dies, the run's code starts
/// again in another activation and is given the recorded outcomes in their recorded order.
/// </remarks>
public sealed class WorkflowContext
{
    private readonly IRunEngine _engine;

    internal WorkflowContext(IRunEngine engine) => _engine = engine;

    /// <summary>The context of the run whose code is executing here, or null outside of runs and inside step bodies. For libraries.</summary>
    public static WorkflowContext? Current => AmbientRun.Current?.Context;

    internal IRunEngine Engine => _engine;

    /// <summary>The run's id.</summary>
    public RunId RunId => _engine.RunId;

    /// <summary>What is known of the run: workflow, version, times.</summary>
    public RunInfo Info => _engine.Info;

    /// <summary>The services of this activation's own scope.</summary>
    public IServiceProvider Services => _engine.Services;

    /// <summary>Fires when this activation ends before the run does. Steps get their own tokens; there is rarely a reason to read this.</summary>
    public CancellationToken CancellationToken => _engine.CancellationToken;

    /// <summary>True until the code has come to where it was when its run was last left. Don't branch on it.</summary>
    public bool IsReplaying => _engine.IsReplaying;

    /// <summary>A logger that is silent on replay and adds the run's id.</summary>
    public ILogger Logger => _engine.Logger;

    /// <summary>The run's clock: the commit time of the last fact that was handed to the code. Never goes back within a run; the same on replay.</summary>
    public DateTimeOffset UtcNow => _engine.UtcNow;

    /// <summary>Random numbers that are recorded, one row a draw, and the same on replay. No later step starts before the draw is committed.</summary>
    public Random Random => _engine.Random;

    /// <summary>A new id (version 4) that is recorded and the same on replay.</summary>
    public Guid NewGuid() => _engine.NewGuid();

    /// <summary>
    /// Runs outside work once and records its outcome. After the outcome is recorded the body never runs again; a body
    /// that was cut off by a crash runs again under the same <see cref="StepContext.IdempotencyKey"/>.
    /// </summary>
    /// <typeparam name="T">The outcome; the code gets it as it was read back from its record, live as on replay.</typeparam>
    /// <param name="name">1 to 128 characters. Replay compares it: another name at the same place stops the run (<c>GRN1203</c>).</param>
    /// <param name="body">The work. It runs on the thread pool, in a service scope of its own, at least once.</param>
    /// <param name="options">Retries and limits; by default one attempt and no limit.</param>
    /// <exception cref="StepFailedException"><c>GRN1301</c>: the last attempt failed, live as on replay. An outcome that is too
    /// large or can't be serialised fails its step, too: then <see cref="StepFailedException.Error"/> has the code <c>GRN1601</c> or <c>GRN1602</c>.</exception>
    public Task<T> StepAsync<T>(string name, Func<StepContext, Task<T>> body, StepOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        return _engine.RunStepAsync(new StepCall<T>(StepKinds.Step, name, body, options ?? StepOptions.Default));
    }

    /// <inheritdoc cref="StepAsync{T}(string, Func{StepContext, Task{T}}, StepOptions?)"/>
    public Task StepAsync(string name, Func<StepContext, Task> body, StepOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        return StepAsync(name, async step =>
        {
            await body(step).ConfigureAwait(false);
            return None.Value;
        }, options);
    }

    /// <inheritdoc cref="StepAsync{T}(string, Func{StepContext, Task{T}}, StepOptions?)"/>
    [System.Runtime.CompilerServices.OverloadResolutionPriority(-1)]
    public Task<T> StepAsync<T>(string name, Func<StepContext, ValueTask<T>> body, StepOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        return StepAsync(name, step => body(step).AsTask(), options);
    }

    /// <inheritdoc cref="StepAsync{T}(string, Func{StepContext, Task{T}}, StepOptions?)"/>
    [System.Runtime.CompilerServices.OverloadResolutionPriority(-1)]
    public Task StepAsync(string name, Func<StepContext, ValueTask> body, StepOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        return StepAsync(name, step => body(step).AsTask(), options);
    }

    /// <summary>Sleeps durably: the instant of waking is recorded once, so a restart shortens nothing and lengthens nothing.</summary>
    /// <param name="duration">From the run's clock; negative is refused (<c>GRN1702</c>), zero only yields.</param>
    public Task SleepAsync(TimeSpan duration)
    {
        if (duration < TimeSpan.Zero)
            throw new GranaryUsageException("GRN1702", $"A sleep of {duration} is negative.", "Pass a duration of zero or more.");
        return _engine.SleepAsync(duration, null);
    }

    /// <summary>Sleeps durably until an instant; one that has passed only yields.</summary>
    /// <param name="instant">The instant of waking.</param>
    public Task SleepUntilAsync(DateTimeOffset instant) => _engine.SleepAsync(null, instant);

    /// <summary>
    /// Waits for a signal that was sent to the run: the oldest of its topic that no wait has had, whether it came before or
    /// comes after. Signals of one topic are given out in the order in which they were accepted.
    /// </summary>
    /// <typeparam name="T">What was sent.</typeparam>
    /// <param name="topic">1 to 128 characters, compared ordinally.</param>
    /// <remarks>While the run waits for nothing but messages longer than <see cref="GranaryOptions.ParkAfter"/>, it is parked: it costs one row, and a signal wakes it at once.</remarks>
    /// <exception cref="PayloadException"><c>GRN1603</c>: what was sent can't be read as <typeparamref name="T"/>, live as on replay.</exception>
    public async Task<T> WaitForSignalAsync<T>(string topic) => (await _engine.WaitForSignalAsync<T>(topic, null).ConfigureAwait(true))!.Value;

    /// <summary>Waits for a signal as <see cref="WaitForSignalAsync{T}(string)"/> does, but not for ever.</summary>
    /// <typeparam name="T">What was sent.</typeparam>
    /// <param name="topic">1 to 128 characters, compared ordinally.</param>
    /// <param name="within">From the run's clock. The end of the wait is recorded once: a restart neither shortens nor lengthens it.</param>
    /// <returns>Null when nothing came; a signal whose <see cref="Signal{T}.Value"/> is null when null was sent.</returns>
    public Task<Signal<T>?> WaitForSignalAsync<T>(string topic, TimeSpan within) => _engine.WaitForSignalAsync<T>(topic, within);

    /// <summary>The signals of a topic, one after the other, without end.</summary>
    /// <typeparam name="T">What is sent.</typeparam>
    /// <param name="topic">1 to 128 characters, compared ordinally.</param>
    public async IAsyncEnumerable<Signal<T>> Signals<T>(string topic)
    {
        while (true)
            yield return (await _engine.WaitForSignalAsync<T>(topic, null).ConfigureAwait(true))!;
    }

    /// <summary>Asks people a question. The run waits for the answer, or is parked; the first answer stands.</summary>
    /// <param name="question">For whoever decides.</param>
    /// <param name="options">Who may decide, and until when.</param>
    /// <returns>The answer. A rejection or an expiry is one, too: no exception.</returns>
    public async Task<Approval> RequestApprovalAsync(string question, ApprovalOptions? options = null) =>
        await _engine.RequestApprovalAsync(new ApprovalCall<object?>("approval", question, null, options ?? new ApprovalOptions())).ConfigureAwait(true);

    /// <summary>Asks people about exact arguments; they are shown, recorded with the answer, and may be changed by the one who approves where that is allowed.</summary>
    /// <typeparam name="T">The arguments' type.</typeparam>
    /// <param name="question">For whoever decides.</param>
    /// <param name="arguments">What would be executed.</param>
    /// <param name="options">Who may decide, and until when.</param>
    /// <returns>The answer. Go on with its <see cref="Approval{T}.Arguments"/>: those were approved.</returns>
    public Task<Approval<T>> RequestApprovalAsync<T>(string question, T arguments, ApprovalOptions? options = null) =>
        _engine.RequestApprovalAsync(new ApprovalCall<T>("approval", question, arguments, options ?? new ApprovalOptions()));

    /// <summary>Sets a named value that others can read and wait for, now and after the run has ended. The last one stands; all are kept.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="name">1 to 128 characters.</param>
    /// <param name="value">Committed together with the step that sets it.</param>
    public Task SetEventAsync<T>(string name, T value) => _engine.SetEventAsync(name, value);

    /// <summary>Another run. Each of its verbs is a step here: done once, and answered from its record on replay.</summary>
    /// <param name="id">The run's id.</param>
    public RunHandle Run(RunId id) => new(new RunId(id.Value), new InRunReader(_engine), isNew: false, inputDiffers: false);

    /// <summary>Another run, with its result type. Each of its verbs is a step here.</summary>
    /// <typeparam name="TOut">The result's type.</typeparam>
    /// <param name="id">The run's id.</param>
    public RunHandle<TOut> Run<TOut>(RunId id) => new(new RunId(id.Value), new InRunReader(_engine), isNew: false, inputDiffers: false);

    /// <summary>
    /// Runs a branch in its own scope of step keys, so that steps inside concurrent branches keep their keys whatever
    /// finishes first. The scope is numbered at the call: start branches in a deterministic order.
    /// </summary>
    /// <typeparam name="T">What the branch returns.</typeparam>
    /// <param name="name">For reading; 1 to 128 characters.</param>
    /// <param name="body">The branch's code; it uses the same context.</param>
    public Task<T> BranchAsync<T>(string name, Func<Task<T>> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return _engine.BranchAsync(name, body);
    }

    /// <inheritdoc cref="BranchAsync{T}(string, Func{Task{T}})"/>
    public Task BranchAsync(string name, Func<Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return _engine.BranchAsync(name, async () =>
        {
            await body().ConfigureAwait(true);
            return None.Value;
        });
    }

    /// <summary>The first task to finish; the same one on replay, because outcomes are handed out in their recorded order. The others go on.</summary>
    /// <typeparam name="T">What the tasks return.</typeparam>
    /// <param name="tasks">At least one.</param>
    public Task<Task<T>> WhenAnyAsync<T>(params IEnumerable<Task<T>> tasks)
    {
        _engine.Guard();
        return Task.WhenAny(tasks);
    }

    /// <inheritdoc cref="WhenAnyAsync{T}(IEnumerable{Task{T}})"/>
    public Task<Task> WhenAnyAsync(params IEnumerable<Task> tasks)
    {
        _engine.Guard();
        return Task.WhenAny(tasks);
    }

    /// <summary>Runs a body for each item, each in a branch of its own, and returns the results in the order of the items.</summary>
    /// <typeparam name="TIn">The items.</typeparam>
    /// <typeparam name="TOut">The results.</typeparam>
    /// <param name="items">Enumerated once, at the call.</param>
    /// <param name="body">The code for one item.</param>
    /// <param name="maxConcurrency">How many run at a time; at least 1.</param>
    public async Task<IReadOnlyList<TOut>> ForEachAsync<TIn, TOut>(IEnumerable<TIn> items, Func<TIn, Task<TOut>> body, int maxConcurrency = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(body);
        if (maxConcurrency < 1)
            throw new GranaryUsageException("GRN1702", $"A concurrency of {maxConcurrency} runs nothing.", "Pass 1 or more.");
        var list = items.ToList();
        var results = new TOut[list.Count];
        var next = 0;

        // Every worker takes the next item when its last one ends; items are numbered by their branch, not by the worker.
        async Task WorkAsync()
        {
            while (next < list.Count)
            {
                var index = next++;
                results[index] = await BranchAsync("item", () => body(list[index])).ConfigureAwait(true);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, Math.Min(maxConcurrency, list.Count)).Select(_ => WorkAsync())).ConfigureAwait(true);
        return results;
    }
}
