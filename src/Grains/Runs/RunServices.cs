using Granary.Journal;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Granary.Runs;

/// <summary>What every run of a silo shares. A singleton.</summary>
internal sealed class RunServices(
    IJournalStore store, JournalWriter writer, PayloadCodec codec, RunKeys keys, StoreHealth health, WorkflowRegistry workflows,
    RunRegistry running, IWakeUps wakeUps, IBodyGate gate, SiloIncarnation incarnation, [FromKeyedServices(StoreClock.Key)] TimeProvider time, IOptions<GranaryOptions> options,
    ApplicationVersion version, IServiceProvider services, ILoggerFactory loggers, IHostApplicationLifetime lifetime)
{
    public IJournalStore Store { get; } = store;

    public JournalWriter Writer { get; } = writer;

    public PayloadCodec Codec { get; } = codec;

    public RunKeys Keys { get; } = keys;

    public StoreHealth Health { get; } = health;

    public WorkflowRegistry Workflows { get; } = workflows;

    public RunRegistry Running { get; } = running;

    public IBodyGate Gate { get; } = gate;

    public IWakeUps WakeUps { get; } = wakeUps;

    /// <summary>This process, as it stands in the owner columns.</summary>
    public string Incarnation { get; } = incarnation.Value;

    public TimeProvider Time { get; } = time;

    public GranaryOptions Options { get; } = options.Value;

    public string Version { get; } = version.Value;

    /// <summary>Fires when this process begins to stop.</summary>
    public CancellationToken Stopping { get; } = lifetime.ApplicationStopping;

    public IServiceProvider Root { get; } = services;

    public ILoggerFactory Loggers { get; } = loggers;

    /// <summary>What step bodies log to.</summary>
    public ILogger StepLogger { get; } = loggers.CreateLogger("Granary.Step");
}

/// <summary>A silo's address and generation: a new one each time a process starts.</summary>
internal sealed record SiloIncarnation(string Value);

/// <summary>The version of the build, stamped on its runs.</summary>
internal sealed record ApplicationVersion(string Value);
