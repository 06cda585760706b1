using Granary.Engine;

namespace Granary;

/// <summary>Starts runs of a workflow whose input and output types are known.</summary>
public static class WorkflowRefExtensions
{
    /// <summary>Starts a run. Returns when the start is durable; the run then executes in the background.</summary>
    /// <typeparam name="TIn">The workflow's input.</typeparam>
    /// <typeparam name="TOut">The workflow's output.</typeparam>
    /// <param name="workflow">The workflow, from <see cref="IGranaryClient"/>.</param>
    /// <param name="input">The input; refused with <c>GRN1602</c> when it can't be serialised, <c>GRN1601</c> when it is too large.</param>
    /// <param name="options">The id and more. The same id again gives the same run; see <see cref="RunHandle.IsNew"/>.</param>
    /// <param name="cancellationToken">Cancels the waiting, never the run.</param>
    /// <exception cref="RunConflictException"><c>GRN1002</c>: the id belongs to a run of another workflow, which is untouched.</exception>
    /// <exception cref="GranaryUnavailableException"><c>GRN9001</c>: the store is away; try again with the same id.</exception>
    /// <remarks>If the process dies before this returns, the run exists or it doesn't; start again with the same id to be sure.</remarks>
    public static async Task<RunHandle<TOut>> StartAsync<TIn, TOut>(
        this IWorkflowRef<Workflow<TIn, TOut>> workflow, TIn input, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        var starter = Starter(workflow);
        var started = await starter.StartAsync(workflow.Name, input, options, cancellationToken).ConfigureAwait(true);
        return starter.Handle<TOut>(started);
    }

    /// <summary>Starts a run and waits for its result.</summary>
    /// <inheritdoc cref="StartAsync{TIn, TOut}"/>
    /// <exception cref="RunFailedException"><c>GRN1101</c>: the workflow threw.</exception>
    /// <exception cref="RunCancelledException"><c>GRN1102</c>: the run was cancelled.</exception>
    /// <exception cref="RunPoisonedException"><c>GRN1103</c>: the run's owner died too often.</exception>
    public static async Task<TOut> RunAsync<TIn, TOut>(
        this IWorkflowRef<Workflow<TIn, TOut>> workflow, TIn input, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        var run = await workflow.StartAsync(input, options, cancellationToken).ConfigureAwait(true);
        return await run.ResultAsync(cancellationToken).ConfigureAwait(true);
    }

    private static IRunStarter Starter(object workflow) =>
        (workflow as WorkflowRef)?.Starter
        ?? throw new GranaryUsageException("GRN1206", "This workflow reference was not made by Granary.",
            "Take it from IGranaryClient.Workflow<T>().");
}
