using Granary.Engine;

namespace Granary;

/// <summary>A workflow of which only the name is known here.</summary>
public sealed class NamedWorkflow
{
    private readonly IRunStarter _starter;

    internal NamedWorkflow(string name, IRunStarter starter)
    {
        Name = name;
        _starter = starter;
    }

    /// <summary>The workflow's stored name.</summary>
    public string Name { get; }

    /// <summary>Starts a run; see <see cref="WorkflowRefExtensions.StartAsync{TIn, TOut}"/>. A name that no silo knows is
    /// accepted and the run waits visibly (<c>waiting</c> on <c>version</c>) until a build that knows it runs.</summary>
    /// <typeparam name="TIn">The input's type; its JSON must fit what the workflow reads.</typeparam>
    /// <param name="input">The input.</param>
    /// <param name="options">The id and more.</param>
    /// <param name="cancellationToken">Cancels the waiting, never the run.</param>
    public async Task<RunHandle> StartAsync<TIn>(TIn input, RunOptions? options = null, CancellationToken cancellationToken = default) =>
        _starter.Handle(await _starter.StartAsync(Name, input, options, cancellationToken).ConfigureAwait(true));

    /// <summary>Starts a run of a workflow without input (<see cref="None"/>).</summary>
    /// <param name="options">The id and more.</param>
    /// <param name="cancellationToken">Cancels the waiting, never the run.</param>
    public Task<RunHandle> StartAsync(RunOptions? options = null, CancellationToken cancellationToken = default) =>
        StartAsync(None.Value, options, cancellationToken);
}
