using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Granary.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Granary.Tests.Agents;

/// <summary>What a run recorded; it outlives the engines that execute the run.</summary>
internal sealed class FakeJournal
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, FakeStep> _steps = [];

    /// <summary>In structural order.</summary>
    public IReadOnlyList<FakeStep> Steps
    {
        get
        {
            lock (_lock)
                return [.. _steps.Values.OrderBy(s => s.Key, StringComparer.Ordinal)];
        }
    }

    public string Layout => string.Join('\n', Steps.Select(s => $"{s.Key} {s.Kind} {s.Name} {s.Outcome}"));

    public bool TryGet(string key, [NotNullWhen(true)] out FakeStep? step)
    {
        lock (_lock)
            return _steps.TryGetValue(key, out step);
    }

    public void Add(FakeStep step)
    {
        lock (_lock)
            _steps.Add(step.Key, step);
    }

    public void Remove(string key)
    {
        lock (_lock)
            _steps.Remove(key);
    }
}

internal sealed record FakeStep(string Key, string Kind, string Name, string? Outcome, IReadOnlyList<RunError> Errors)
{
    public string? Fingerprint { get; init; }

    public string? Input { get; init; }

    public bool Failed => Outcome is null;
}

/// <summary>Thrown in the place of what an engine throws to stop a run.</summary>
internal sealed class RunStoppedException() : Exception("the run stops here");

/// <summary>
/// An engine in memory, for tests of the loop alone: it keeps the rules of the seam (one scheduler, outcomes read back,
/// failures as they are recorded, a body that was recorded never runs again) and nothing else.
/// </summary>
internal sealed class FakeRunEngine : IRunEngine
{
    private readonly TaskScheduler _scheduler = new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler;
    private readonly FakeJournal _journal;
    private readonly WorkflowContext _context;
    private int _bodies;
    private int _escapes;

    public FakeRunEngine(FakeJournal? journal = null, IServiceProvider? services = null)
    {
        _journal = journal ?? new();
        _context = new(this);
        Services = services ?? new ServiceCollection().BuildServiceProvider();
    }

    /// <summary>How many bodies ran, attempts included.</summary>
    public int Bodies => _bodies;

    /// <summary>How often the loop asked for something away from the run's scheduler.</summary>
    public int Escapes => _escapes;

    /// <summary>The delays that retries asked for.</summary>
    public List<TimeSpan> Delays { get; } = [];

    /// <summary>Steps that replayed with another fingerprint than the recorded one.</summary>
    public List<string> Diverged { get; } = [];

    public CancellationTokenSource Ending { get; } = new();

    public RunId RunId => "fake";

    public RunInfo Info => new() { Id = RunId, Workflow = "fake" };

    public IServiceProvider Services { get; }

    public CancellationToken CancellationToken => Ending.Token;

    public bool IsReplaying => false;

    public ILogger Logger => NullLogger.Instance;

    public DateTimeOffset UtcNow => DateTimeOffset.UnixEpoch;

    public Random Random => throw new NotSupportedException();

    public JsonSerializerOptions Json => GranaryJson.Own;

    private StepScope Scope => AmbientRun.Current?.Scope ?? throw new GranaryUsageException("GRN1204", "Outside of the run.");

    /// <summary>Executes workflow code from its beginning.</summary>
    public Task<T> RunAsync<T>(Func<WorkflowContext, Task<T>> code) => InScopeAsync(StepScope.Root(), () => code(_context));

    public Guid NewGuid() => throw new NotSupportedException();

    public void Guard() => _ = Scope;

    public StepKey NextKey()
    {
        Watch();
        return Scope.Next();
    }

    public bool HasRecordedNext(string kind) => false;

    public async Task<T> RunStepAsync<T>(StepCall<T> call)
    {
        Watch();
        var key = call.Key ?? Scope.Next();
        if (!_journal.TryGet(key.Value, out var step))
        {
            step = await Task.Run(() => ExecuteAsync(call, key)).ConfigureAwait(true);
            _journal.Add(step);
        }
        else if (step.Kind != call.Kind || step.Name != call.Name || step.Fingerprint != Text(call.Fingerprint))
            Diverged.Add($"{key} {call.Kind} {call.Name}: {Text(call.Fingerprint)} instead of {step.Fingerprint}");

        if (step.Failed)
            throw new StepFailedException(key, call.Name, step.Errors[^1], step.Errors);
        return JsonSerializer.Deserialize<T>(step.Outcome!, call.Json ?? Json)!;
    }

    public async Task SleepAsync(TimeSpan? duration, DateTimeOffset? until) =>
        await RunStepAsync(new StepCall<TimeSpan?>(StepKinds.Timer, "sleep", _ => Task.FromResult(duration), StepOptions.Default)).ConfigureAwait(true);

    public Task<Signal<T>?> WaitForSignalAsync<T>(string topic, TimeSpan? within) => throw new NotSupportedException();

    public Task<Approval<T>> RequestApprovalAsync<T>(ApprovalCall<T> call) => throw new NotSupportedException();

    public Task SetEventAsync<T>(string name, T value) => throw new NotSupportedException();

    public Task<T> BranchAsync<T>(string name, Func<Task<T>> body) => InScopeAsync(StepScope.Under(NextKey()), body);

    public async Task<T> InScopeAsync<T>(StepScope scope, Func<Task<T>> body)
    {
        if (TaskScheduler.Current != _scheduler)
            return await Task.Factory.StartNew(() => InScopeAsync(scope, body), CancellationToken.None, TaskCreationOptions.None, _scheduler).Unwrap().ConfigureAwait(true);
        AmbientRun.Enter(new(this, _context, scope));
        return await body().ConfigureAwait(true);
    }

    public bool IsControlFlow(Exception exception) => exception is RunStoppedException;

    private static string? Text(byte[]? json) => json is null ? null : System.Text.Encoding.UTF8.GetString(json);

    private static RunError Error(Exception e)
    {
        var bases = new List<string>();
        for (var type = e.GetType().BaseType; type is not null && type != typeof(Exception) && type != typeof(object); type = type.BaseType)
            bases.Add(type.FullName!);
        return new(e.GetType().FullName!, e.Message, BaseTypes: bases);
    }

    private void Watch()
    {
        if (TaskScheduler.Current != _scheduler)
            Interlocked.Increment(ref _escapes);
    }

    private async Task<FakeStep> ExecuteAsync<T>(StepCall<T> call, StepKey key)
    {
        var retry = call.Options.Retry ?? RetryOptions.None;
        var errors = new List<RunError>();
        while (true)
        {
            try
            {
                var value = await BodyAsync(call, key, errors.Count, retry.MaxAttempts);
                return Step(JsonSerializer.Serialize(value, call.Json ?? Json));
            }
            catch (Exception e) when (e is not RunStoppedException && !Ending.IsCancellationRequested)
            {
                errors.Add(Error(e));
                if (errors.Count >= retry.MaxAttempts || retry.ShouldRetry?.Invoke(e) == false)
                    return Step(null);
                var backOff = retry.Delay * Math.Pow(retry.BackoffFactor, errors.Count - 1);
                Delays.Add(retry.RetryAfter?.Invoke(e) is { } asked && asked > backOff ? asked : backOff);
            }
        }

        FakeStep Step(string? outcome) => new(key.Value, call.Kind, call.Name, outcome, errors) { Fingerprint = Text(call.Fingerprint), Input = Text(call.Input) };
    }

    private async Task<T> BodyAsync<T>(StepCall<T> call, StepKey key, int attempt, int maxAttempts)
    {
        Interlocked.Increment(ref _bodies);
        await using var scope = Services.CreateAsyncScope();
        var step = new StepContext
        {
            RunId = RunId,
            Key = key,
            Name = call.Name,
            Attempt = attempt,
            MaxAttempts = maxAttempts,
            IdempotencyKey = $"fake/{key}",
            Epoch = 1,
            CancellationToken = Ending.Token,
            Services = scope.ServiceProvider,
            Logger = Logger,
        };
        AmbientRun.EnterBody(step);
        return await call.Body(step);
    }
}
