namespace Granary.Engine;

/// <summary>Bodies that a silo can run for the runs of others, by name.</summary>
internal interface IActivityCatalog
{
    /// <summary>The activity of that name; null when it is none of this catalogue.</summary>
    NamedActivity? Find(string name);
}

/// <summary>A body that is known by its name.</summary>
/// <param name="Body">Gets the bytes of <see cref="RemoteCall.Input"/>; returns the outcome's JSON.</param>
internal sealed record NamedActivity(Func<StepContext, byte[], Task<byte[]>> Body)
{
    /// <summary>Whether a failure may pass by itself: the exception itself doesn't travel.</summary>
    public Func<Exception, bool> IsTransient { get; init; } = static e => e is GranaryException { IsTransient: true };

    /// <summary>The delay that a failure asks for.</summary>
    public Func<Exception, TimeSpan?> RetryAfter { get; init; } = static _ => null;
}
