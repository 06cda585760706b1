namespace Granary;

/// <summary>
/// A run by its id: holds no connection, costs nothing, may be kept and shared. Every verb is independent of the
/// process that started the run.
/// </summary>
/// <remarks>The protected constructor and the virtual verbs are for fakes in tests.</remarks>
public class RunHandle
{
    /// <summary>For fakes.</summary>
    /// <param name="id">The run's id.</param>
    protected RunHandle(RunId id) => Id = id;

    internal RunHandle(RunId id, Engine.IRunReader reader, bool isNew, bool inputDiffers)
    {
        Id = id;
        Reader = reader;
        IsNew = isNew;
        InputDiffers = inputDiffers;
    }

    internal Engine.IRunReader? Reader { get; }

    /// <summary>The run's id.</summary>
    public RunId Id { get; }

    /// <summary>Whether the start that made this handle made the run; false when the id was there.</summary>
    public bool IsNew { get; }

    /// <summary>Whether the run that was there has another input than this start's. The first input wins.</summary>
    public bool InputDiffers { get; }

    private Engine.IRunReader Reads => Reader ?? throw new NotSupportedException("This fake doesn't implement the verb.");

    /// <summary>Waits for the result. Pushed, not polled; any number may wait, also later and from another process.</summary>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <param name="cancellationToken">Cancels the waiting, never the run.</param>
    /// <exception cref="RunNotFoundException"><c>GRN1001</c>.</exception>
    /// <exception cref="RunFailedException"><c>GRN1101</c>.</exception>
    /// <exception cref="RunCancelledException"><c>GRN1102</c>.</exception>
    /// <exception cref="RunPoisonedException"><c>GRN1103</c>.</exception>
    public virtual Task<T> ResultAsync<T>(CancellationToken cancellationToken = default) => Reads.ResultAsync<T>(Id, cancellationToken);

    /// <summary>Waits until the run has ended, however it ended.</summary>
    /// <param name="cancellationToken">Cancels the waiting, never the run.</param>
    public virtual Task WaitAsync(CancellationToken cancellationToken = default) => Reads.WaitAsync(Id, cancellationToken);

    /// <summary>Reads the run. Never claims it.</summary>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="RunNotFoundException"><c>GRN1001</c>.</exception>
    public virtual Task<RunInfo> InfoAsync(CancellationToken cancellationToken = default) => Reads.InfoAsync(Id, cancellationToken);

    /// <summary>The recorded attempts in the order of their completion.</summary>
    /// <param name="cancellationToken">Cancels the reading.</param>
    public virtual IAsyncEnumerable<StepInfo> StepsAsync(CancellationToken cancellationToken = default) => Reads.StepsAsync(Id, cancellationToken);

    /// <summary>Everything that is committed to the run's journal after a sequence number, as it happens, until the run has ended.</summary>
    /// <param name="after">0 for all; the last seen <see cref="RunUpdate.Sequence"/> to go on.</param>
    /// <param name="cancellationToken">Ends the watching.</param>
    public virtual IAsyncEnumerable<RunUpdate> WatchAsync(long after = 0, CancellationToken cancellationToken = default) => Reads.WatchAsync(Id, after, cancellationToken);

    /// <summary>
    /// Sends the run a message. Returns when it is committed: then the run gets it, whatever dies meanwhile. A run that is
    /// parked wakes at once. A message is accepted as long as the run hasn't ended, also before the code waits for it.
    /// </summary>
    /// <typeparam name="T">What is sent.</typeparam>
    /// <param name="topic">1 to 128 characters, compared ordinally.</param>
    /// <param name="payload">The message; may be null.</param>
    /// <param name="idempotencyKey">Up to 256 characters: sent again under the same key it is the same message, as long as the run's id exists.
    /// Null: each call sends a message of its own, once.</param>
    /// <param name="cancellationToken">Cancels the waiting for the commit; the message may be stored or not.</param>
    /// <exception cref="RunNotFoundException"><c>GRN1001</c>.</exception>
    /// <exception cref="RunStateException"><c>GRN1003</c>: the run has ended.</exception>
    public virtual Task SignalAsync<T>(string topic, T payload, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        Reads.SignalAsync(Id, topic, payload, idempotencyKey, cancellationToken);

    /// <summary>Sends the run a message without content.</summary>
    /// <param name="topic">1 to 128 characters, compared ordinally.</param>
    /// <param name="cancellationToken">Cancels the waiting for the commit.</param>
    public virtual Task SignalAsync(string topic, CancellationToken cancellationToken = default) =>
        Reads.SignalAsync<object?>(Id, topic, null, null, cancellationToken);

    /// <summary>
    /// Cancels the run. Returns when the request is committed: the run then ends as <see cref="RunStatus.Cancelled"/>, whatever its
    /// code does. Bodies that run get their token fired, no later step starts, and what the code awaits throws
    /// <see cref="OperationCanceledException"/>. Code that takes no notice is given five seconds. A run that waits on <c>version</c> is
    /// cancelled when a build goes on with it that has its code.
    /// </summary>
    /// <param name="reason">Shown to whoever asks for the result.</param>
    /// <param name="cancellationToken">Cancels the waiting for the commit.</param>
    /// <exception cref="RunNotFoundException"><c>GRN1001</c>.</exception>
    /// <exception cref="RunStateException"><c>GRN1003</c>: the run has ended, and not by a cancel.</exception>
    public virtual Task CancelAsync(string? reason = null, CancellationToken cancellationToken = default) => Reads.CancelAsync(Id, reason, cancellationToken);

    /// <summary>
    /// Lets a run that was cancelled or poisoned go on: recorded steps are not repeated, a step that was cut off runs anew, and the
    /// count of recovery attempts starts at 0. Returns when that is committed. Whoever was told that it was cancelled stays told.
    /// A run that hasn't ended, has succeeded or has failed is left as it is.
    /// </summary>
    /// <param name="options">Its new limit.</param>
    /// <param name="cancellationToken">Cancels the waiting for the commit.</param>
    /// <exception cref="RunNotFoundException"><c>GRN1001</c>.</exception>
    public virtual Task ResumeAsync(ResumeOptions? options = null, CancellationToken cancellationToken = default) => Reads.ResumeAsync(Id, options, cancellationToken);

    /// <summary>
    /// Reads a <see cref="QueryAttribute"/> member of the run's workflow. Where a silo executes the run it is read there, between two
    /// turns of the code; a run that is parked or has ended is replayed for it. Never claims the run, and records nothing.
    /// </summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="query">The query's name.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="RunNotFoundException"><c>GRN1001</c>.</exception>
    /// <exception cref="GranaryException"><c>GRN1805</c>: the workflow has no such query. <c>GRN1806</c>: it threw.</exception>
    public virtual Task<T> QueryAsync<T>(string query, CancellationToken cancellationToken = default) => Reads.QueryAsync<T>(Id, query, cancellationToken);

    /// <inheritdoc cref="QueryAsync{T}(string, CancellationToken)"/>
    /// <typeparam name="TWorkflow">The workflow's class.</typeparam>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="query">Reads one member that is marked with <see cref="QueryAttribute"/>: <c>(OrderSaga order) =&gt; order.Progress</c>.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    public Task<T> QueryAsync<TWorkflow, T>(System.Linq.Expressions.Expression<Func<TWorkflow, T>> query, CancellationToken cancellationToken = default)
        where TWorkflow : Workflow
    {
        ArgumentNullException.ThrowIfNull(query);
        return QueryAsync<T>(Engine.WorkflowQueries.NameOf(query), cancellationToken);
    }

    /// <summary>A named value of the run.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="name">1 to 128 characters.</param>
    public virtual RunEvent<T> Event<T>(string name) => new(Reads, Id, name);
}

/// <summary>A run whose result type is known.</summary>
/// <typeparam name="TOut">The result's type.</typeparam>
public class RunHandle<TOut> : RunHandle
{
    /// <summary>For fakes.</summary>
    /// <param name="id">The run's id.</param>
    protected RunHandle(RunId id)
        : base(id)
    {
    }

    internal RunHandle(RunId id, Engine.IRunReader reader, bool isNew, bool inputDiffers)
        : base(id, reader, isNew, inputDiffers)
    {
    }

    /// <inheritdoc cref="RunHandle.ResultAsync{T}"/>
    public virtual Task<TOut> ResultAsync(CancellationToken cancellationToken = default) => ResultAsync<TOut>(cancellationToken);
}
