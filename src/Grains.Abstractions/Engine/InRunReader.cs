using Microsoft.Extensions.DependencyInjection;

namespace Granary.Engine;

/// <summary>A run's view of other runs: each verb is a step, so it is done once and answered from its record on replay.</summary>
internal sealed class InRunReader(IRunEngine engine) : IRunReader
{
    private static readonly StepOptions _options = new() { Retry = new(int.MaxValue) { ShouldRetry = e => e is GranaryException { IsTransient: true }, MaxDelay = TimeSpan.FromMinutes(1) } };

    public Task<T> ResultAsync<T>(RunId id, CancellationToken cancellationToken) =>
        DoAsync("await result", (client, step) => client.Run<T>(id).ResultAsync(step.CancellationToken));

    public Task WaitAsync(RunId id, CancellationToken cancellationToken) => DoAsync("await end", async (client, step) =>
    {
        await client.Run(id).WaitAsync(step.CancellationToken).ConfigureAwait(false);
        return None.Value;
    });

    public Task<RunInfo> InfoAsync(RunId id, CancellationToken cancellationToken) =>
        DoAsync("read run", (client, step) => client.Run(id).InfoAsync(step.CancellationToken));

    public IAsyncEnumerable<StepInfo> StepsAsync(RunId id, CancellationToken cancellationToken) => throw NoStream(nameof(StepsAsync));

    public IAsyncEnumerable<RunUpdate> WatchAsync(RunId id, long after, CancellationToken cancellationToken) => throw NoStream(nameof(WatchAsync));

    // The step's key is the same however often it is tried: one message.
    public Task SignalAsync<T>(RunId id, string topic, T payload, string? idempotencyKey, CancellationToken cancellationToken) => DoAsync("send signal", async (client, step) =>
    {
        await client.Run(id).SignalAsync(topic, payload, idempotencyKey ?? step.IdempotencyKey, step.CancellationToken).ConfigureAwait(false);
        return None.Value;
    });

    public Task ResumeAsync(RunId id, ResumeOptions? options, CancellationToken cancellationToken) => DoAsync("resume run", async (client, step) =>
    {
        await client.Run(id).ResumeAsync(options, step.CancellationToken).ConfigureAwait(false);
        return None.Value;
    });

    public Task CancelAsync(RunId id, string? reason, CancellationToken cancellationToken) => DoAsync("cancel run", async (client, step) =>
    {
        await client.Run(id).CancelAsync(reason, step.CancellationToken).ConfigureAwait(false);
        return None.Value;
    });

    public Task<T> QueryAsync<T>(RunId id, string query, CancellationToken cancellationToken) =>
        DoAsync("query run", (client, step) => client.Run(id).QueryAsync<T>(query, step.CancellationToken));

    public Task<EventValue<T>?> EventAsync<T>(RunId id, string name, long? after, TimeSpan within, CancellationToken cancellationToken) =>
        DoAsync("read event", (client, step) => ((IRunReader)client).EventAsync<T>(id, name, after, within, step.CancellationToken));

    private Task<T> DoAsync<T>(string name, Func<IGranaryClient, StepContext, Task<T>> body) => engine.RunStepAsync(
        new StepCall<T>(StepKinds.Step, name, step => body(step.Services.GetRequiredService<IGranaryClient>(), step), _options));

    private static GranaryUsageException NoStream(string verb) =>
        new("GRN1205", $"{verb} of another run can't be used in workflow code: a stream has no record.", "Read it inside a step's body, with the client.");
}
