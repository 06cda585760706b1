using System.Text.Json;
using Granary.Activities;
using Granary.Engine;
using Microsoft.Extensions.Logging;

namespace Granary.Runs;

/// <summary>The verbs of the context, checked and brought onto the run's scheduler.</summary>
internal sealed class RunVerbs : IRunEngine
{
    private readonly RunLoop _loop;
    private readonly RunServices _shared;

    public RunVerbs(RunLoop loop, RunServices shared, IServiceProvider services)
    {
        _loop = loop;
        _shared = shared;
        Services = services;
        Random = new RecordedRandom(this);
        Logger = new ReplayLogger(shared.Loggers.CreateLogger("Granary.Workflow"), () => loop.IsReplaying, RunId);
    }

    public RunId RunId => _loop.RunId;

    public RunInfo Info => _loop.Info;

    public IServiceProvider Services { get; }

    public CancellationToken CancellationToken => _loop.CodeToken;

    public bool IsReplaying => _loop.IsReplaying;

    public ILogger Logger { get; }

    public DateTimeOffset UtcNow => _loop.Now;

    public Random Random { get; }

    public JsonSerializerOptions Json => _shared.Codec.Values.Options;

    public Guid NewGuid() => Draw(StepKinds.Random, "guid", static () => new Guid(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16).AsSpan().AsVersion4()));

    public void Guard()
    {
        if (StepContext.Current is { } step)
        {
            throw new GranaryUsageException("GRN1207", $"The context of run '{RunId}' is used in the body of step '{step.Name}'.",
                "Use the verbs outside of step bodies; a body does outside work and returns.");
        }

        if (AmbientRun.Current?.Engine != this)
        {
            throw new GranaryUsageException("GRN1204", $"The context of run '{RunId}' is used outside of the run's code.",
                "Use it only in RunAsync and what that awaits; don't keep it, and don't suppress the flow of the execution context.");
        }
    }

    public bool IsControlFlow(Exception exception) => exception is NondeterminismException or GranaryUsageException || (exception is OperationCanceledException && _loop.IsCancelled);

    public StepKey NextKey()
    {
        Guard();
        return AmbientRun.Current!.Scope.Next();
    }

    public bool HasRecordedNext(string kind)
    {
        Guard();
        return _loop.RecordedKind(AmbientRun.Current!.Scope.Peek()) == kind;
    }

    public Task<T> RunStepAsync<T>(StepCall<T> call)
    {
        Names.CheckName(call.Name, "step name");
        var retry = call.Options.Retry ?? _loop.Descriptor.Options.Retry ?? _shared.Options.Retry;
        RetryPlan.Check(call.Name, call.Options, retry);
        Guard();
        var resolved = call with { Options = call.Options with { Retry = retry } };
        return OnScheduler(() => _loop.Request(resolved, resolved.Key ?? AmbientRun.Current!.Scope.Next()));
    }

    public Task SleepAsync(TimeSpan? duration, DateTimeOffset? until)
    {
        Guard();
        CheckSpan(duration, "A sleep");
        return OnScheduler(() => _loop.RequestTimer(AmbientRun.Current!.Scope.Next(), until ?? _loop.Now + duration!.Value));
    }

    public Task<Signal<T>?> WaitForSignalAsync<T>(string topic, TimeSpan? within)
    {
        Names.CheckName(topic, "topic");
        CheckSpan(within, "A wait");
        Guard();
        return OnScheduler(() => _loop.RequestSignal<T>(AmbientRun.Current!.Scope.Next(), topic, within is null ? null : _loop.Now + within));
    }

    public Task<Approval<T>> RequestApprovalAsync<T>(ApprovalCall<T> call)
    {
        Names.CheckName(call.Name, "approval name");
        if (string.IsNullOrWhiteSpace(call.Question))
            throw new GranaryUsageException("GRN1703", "The question of an approval is blank.", "Say what is to be decided.");
        CheckSpan(call.Options.Within, "A wait");
        Guard();
        return OnScheduler(() => _loop.RequestApproval(call.Key ?? AmbientRun.Current!.Scope.Next(), call, call.Options.Within is { } within ? _loop.Now + within : null));
    }

    public Task SetEventAsync<T>(string name, T value)
    {
        Names.CheckName(name, "event name");
        Guard();
        return OnScheduler(() => _loop.RequestEvent(AmbientRun.Current!.Scope.Next(), name, value));
    }

    public Task<T> BranchAsync<T>(string name, Func<Task<T>> body)
    {
        Names.CheckName(name, "branch name");
        Guard();
        return OnScheduler(() =>
        {
            var key = AmbientRun.Current!.Scope.Next();
            return _loop.IsStep(key, $"branch '{name}'") ? _loop.Never<T>() : InScopeAsync(StepScope.Under(key), body);
        });
    }

    public Task<T> InScopeAsync<T>(StepScope scope, Func<Task<T>> body)
    {
        Guard();
        return OnScheduler(async () =>
        {
            AmbientRun.Enter(AmbientRun.Current! with { Scope = scope });
            return await body().ConfigureAwait(true);
        });
    }

    /// <summary>A recorded draw: the code has it at once, its row follows.</summary>
    public T Draw<T>(string kind, string name, Func<T> draw)
    {
        Guard();
        return _loop.Draw(AmbientRun.Current!.Scope.Next(), kind, name, draw);
    }

    private void CheckSpan(TimeSpan? span, string what)
    {
        if (span < TimeSpan.Zero)
            throw new GranaryUsageException("GRN1702", $"{what} of {span} is negative.", "Pass a duration of zero or more.");
        if (span > DateTimeOffset.MaxValue - _loop.Now)
            throw new GranaryUsageException("GRN1702", $"{what} of {span} would end after the last instant there is.", "Pass a shorter duration.");
    }

    /// <summary>Code that escaped the run's scheduler (Task.Run, ConfigureAwait(false)) is brought back for each verb.</summary>
    private Task<T> OnScheduler<T>(Func<Task<T>> verb) => _loop.Scheduler.IsCurrent
        ? verb()
        : Task.Factory.StartNew(verb, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _loop.Scheduler).Unwrap();
}

/// <summary>Sets the version and variant bits of RFC 9562.</summary>
internal static class GuidBits
{
    public static ReadOnlySpan<byte> AsVersion4(this Span<byte> bytes)
    {
        // The constructor reads the third group little-endian: the version is in the high half of byte 7.
        bytes[7] = (byte)((bytes[7] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return bytes;
    }
}
