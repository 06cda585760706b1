namespace Granary;

/// <summary><c>GRN1501</c>: the approval has been answered, or has expired; that answer stands.</summary>
/// <param name="id">The approval.</param>
/// <param name="outcome">The answer that was first.</param>
public sealed class ApprovalClosedException(string id, Approval outcome) : GranaryException("GRN1501",
    $"Approval '{id}' is closed: {outcome.Decision.ToString().ToLowerInvariant()}{(outcome.By is null ? "" : $" by {outcome.By}")} at {outcome.At:u}.",
    "The first answer stands; look at the run.")
{
    /// <summary>The approval.</summary>
    public string Id { get; } = id;

    /// <summary>The answer that was first.</summary>
    public Approval Outcome { get; } = outcome;
}
