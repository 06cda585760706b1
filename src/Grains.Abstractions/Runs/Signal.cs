namespace Granary;

/// <summary>A message to a run, as its code gets it.</summary>
/// <typeparam name="T">What was sent.</typeparam>
/// <param name="Value">What was sent; may be null.</param>
/// <param name="Topic">What it was sent to.</param>
/// <param name="At">When it was accepted.</param>
/// <param name="From">The run that sent it; null for a client.</param>
/// <param name="IdempotencyKey">The sender's key: one message a key and run, however often it is sent.</param>
public sealed record Signal<T>(T Value, string Topic, DateTimeOffset At, RunId? From = null, string? IdempotencyKey = null);
