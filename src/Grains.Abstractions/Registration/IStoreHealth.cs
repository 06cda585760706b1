namespace Granary;

/// <summary>Whether this process can record anything. A singleton of every silo; thread-safe.</summary>
public interface IStoreHealth
{
    /// <summary>Since when the store has taken no writes, and why; null while it does. Runs pause meanwhile, nothing fails.</summary>
    (TimeSpan For, string Reason)? Outage { get; }
}
