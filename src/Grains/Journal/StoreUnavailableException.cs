namespace Granary.Journal;

/// <summary>The store didn't answer, or not clearly. Nothing is lost: the same call is made again until it does.</summary>
/// <param name="message">What happened.</param>
/// <param name="inner">The driver's error.</param>
internal sealed class StoreUnavailableException(string message, Exception inner) : Exception(message, inner);
