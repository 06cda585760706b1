using Granary.Engine;
using Microsoft.Extensions.Logging;

namespace Granary;

/// <summary>One attempt of a step, as its body sees it. Thread-safe; not to be kept beyond the body.</summary>
public class StepContext
{
    internal StepContext()
    {
    }

    /// <summary>The attempt that is executing here, or null outside of step bodies.</summary>
    public static StepContext? Current => AmbientRun.CurrentStep;

    /// <summary>The run.</summary>
    public required RunId RunId { get; init; }

    /// <summary>The step's structural key within its run.</summary>
    public required StepKey Key { get; init; }

    /// <summary>The step's name.</summary>
    public required string Name { get; init; }

    /// <summary>Counts from 0. A crash or a deploy in the middle is not an attempt: the same number runs again.</summary>
    public required int Attempt { get; init; }

    /// <summary>How many attempts there are in all.</summary>
    public required int MaxAttempts { get; init; }

    /// <summary>Hand this to the outside system: stable over retries, crashes and recovery; different for every step of every run.</summary>
    public required string IdempotencyKey { get; init; }

    /// <summary>Counts the activations that claimed the run, from 1. A fencing token: an outside system may refuse lower ones.</summary>
    public required int Epoch { get; init; }

    /// <summary>Fires on the attempt's time limit, when the run ends first, and when this process loses the run.</summary>
    public required CancellationToken CancellationToken { get; init; }

    /// <summary>A service scope of this attempt.</summary>
    public required IServiceProvider Services { get; init; }

    /// <summary>A logger that adds run and step.</summary>
    public required ILogger Logger { get; init; }
}
