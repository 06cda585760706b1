using Granary.Engine;
using Orleans.Services;

namespace Granary.Activities;

/// <summary>Runs bodies for runs of other silos. One on each silo, addressed by the silo: a body must stay reachable while it runs.</summary>
[Alias("granary.IActivityService")]
internal interface IActivityService : IGrainService
{
    /// <summary>
    /// Begins a body; the same order again is the same body. False when a later claim's or attempt's order is there: the
    /// sender has lost its run.
    /// </summary>
    [Alias("Start")]
    Task<bool> StartAsync(ActivityOrder order);

    /// <summary>
    /// The sender's heartbeat, and its wait for the outcome; null while the body runs. A body whose sender falls silent is
    /// cancelled and forgotten.
    /// </summary>
    [Alias("Beat")]
    Task<ActivityReport?> BeatAsync(ActivityPlace place, TimeSpan wait);

    /// <summary>Cancels what still runs, and forgets it.</summary>
    [Alias("Forget")]
    Task ForgetAsync(ActivityPlace place);
}

/// <summary>Which attempt of which step, under which claim.</summary>
[GenerateSerializer, Immutable, Alias("granary.ActivityPlace")]
internal sealed record ActivityPlace([property: Id(0)] long RunKey, [property: Id(1)] string StepKey, [property: Id(2)] int Epoch, [property: Id(3)] int Attempt)
{
    /// <summary>Whether the other one's sender has taken this one's run over, or went on to a later attempt.</summary>
    public bool IsOlderThan(ActivityPlace other) => Epoch < other.Epoch || (Epoch == other.Epoch && Attempt < other.Attempt);
}

/// <summary>A body to run.</summary>
[GenerateSerializer, Immutable, Alias("granary.ActivityOrder")]
internal sealed record ActivityOrder
{
    [Id(0)]
    public required ActivityPlace Place { get; init; }

    [Id(1)]
    public required string Activity { get; init; }

    [Id(2)]
    public required byte[] Input { get; init; }

    [Id(3)]
    public required string RunId { get; init; }

    [Id(4)]
    public required string Name { get; init; }

    [Id(5)]
    public required int MaxAttempts { get; init; }

    [Id(6)]
    public required string IdempotencyKey { get; init; }

    /// <summary>The attempt's time limit.</summary>
    [Id(7)]
    public TimeSpan? Limit { get; init; }

    [Id(8)]
    public string? TraceParent { get; init; }
}

/// <summary>What became of an order.</summary>
[GenerateSerializer, Immutable, Alias("granary.ActivityReport")]
internal sealed record ActivityReport
{
    /// <summary>There is no such order here (any more): it may be sent again.</summary>
    public static ActivityReport Unknown { get; } = new() { IsUnknown = true };

    [Id(0)]
    public bool IsUnknown { get; init; }

    [Id(1)]
    public byte[]? Output { get; init; }

    /// <summary>The failure as a <see cref="RunError"/> in JSON.</summary>
    [Id(2)]
    public byte[]? Error { get; init; }

    [Id(3)]
    public bool IsTerminal { get; init; }

    [Id(4)]
    public bool IsTransient { get; init; }

    [Id(5)]
    public TimeSpan? RetryAfter { get; init; }
}
