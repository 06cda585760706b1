namespace Granary;

/// <summary>Who may decide an approval, and until when.</summary>
public sealed record ApprovalOptions
{
    /// <summary>How long the question stands, from the run's clock; null: for ever. The instant is recorded once.</summary>
    public TimeSpan? Within { get; init; }

    /// <summary>What counts when nobody has decided in time.</summary>
    public ApprovalDecision OnExpiry { get; init; } = ApprovalDecision.Expired;

    /// <summary>Who may decide: users by name, roles as <c>role:sales</c>. Empty: anyone who can call the client.</summary>
    public IReadOnlyList<string> Deciders { get; init; } = [];

    /// <summary>Whether the arguments may be changed by the one who approves.</summary>
    public bool AllowEdits { get; init; }
}
