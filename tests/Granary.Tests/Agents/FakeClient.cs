using System.Text.Json;
using Granary.Engine;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Tests.Agents;

/// <summary>A client that executes a run at once in an engine in memory; the same id again gives the first run.</summary>
internal sealed class FakeClient(IServiceProvider services) : IGranaryClient, IRunStarter, IRunReader, IServicesSource
{
    private readonly Dictionary<string, string> _results = [];

    public IServiceProvider Services { get; } = services;

    public FakeJournal Journal { get; } = new();

    public List<string> Started { get; } = [];

    public async Task<StartedRun> StartAsync<TIn>(string workflow, TIn input, RunOptions? options, CancellationToken cancellationToken)
    {
        var id = options?.Id ?? new RunId($"run-{_results.Count}");
        if (_results.ContainsKey(id.Value))
            return new(id, false, false);
        Started.Add(workflow);
        var descriptor = Services.GetServices<WorkflowDescriptor>().Single(d => d.Name == workflow);
        var json = JsonSerializer.SerializeToUtf8Bytes(input, GranaryJson.Own);
        var result = await new FakeRunEngine(Journal, Services).RunAsync(ctx =>
            descriptor.RunAsync(descriptor.Create(Services), ctx, descriptor.ReadInput(json, GranaryJson.Own), new Writer()));
        _results[id.Value] = System.Text.Encoding.UTF8.GetString(result);
        return new(id, true, false);
    }

    public RunHandle Handle(StartedRun run) => new(run.Id, this, run.IsNew, run.InputDiffers);

    public RunHandle<TOut> Handle<TOut>(StartedRun run) => new(run.Id, this, run.IsNew, run.InputDiffers);

    public Task<T> ResultAsync<T>(RunId id, CancellationToken cancellationToken) =>
        Task.FromResult(JsonSerializer.Deserialize<T>(_results[id.Value], GranaryJson.Own)!);

    public IWorkflowRef<Workflow<TIn, TOut>> Workflow<TIn, TOut>(string name) => new WorkflowRef<Workflow<TIn, TOut>>(name, this);

    public IWorkflowRef<TWorkflow> Workflow<TWorkflow>()
        where TWorkflow : Workflow => throw new NotSupportedException();

    public NamedWorkflow Workflow(string name) => throw new NotSupportedException();

    public RunHandle Run(RunId id) => throw new NotSupportedException();

    public RunHandle<TOut> Run<TOut>(RunId id) => throw new NotSupportedException();

    public Task WaitAsync(RunId id, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<RunInfo> InfoAsync(RunId id, CancellationToken cancellationToken) => throw new NotSupportedException();

    public IAsyncEnumerable<StepInfo> StepsAsync(RunId id, CancellationToken cancellationToken) => throw new NotSupportedException();

    public IAsyncEnumerable<RunUpdate> WatchAsync(RunId id, long after, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ApprovalInbox Approvals => throw new NotSupportedException();

    public IGranaryClient As(string user, params string[] roles) => throw new NotSupportedException();

    public Task SignalAsync<T>(RunId id, string topic, T payload, string? idempotencyKey, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task ResumeAsync(RunId id, ResumeOptions? options, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task CancelAsync(RunId id, string? reason, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<T> QueryAsync<T>(RunId id, string query, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<EventValue<T>?> EventAsync<T>(RunId id, string name, long? after, TimeSpan within, CancellationToken cancellationToken) => throw new NotSupportedException();

    private sealed class Writer : IResultWriter
    {
        public byte[] Write<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, GranaryJson.Own);
    }
}
