namespace Granary;

/// <summary>How an approval ended.</summary>
public enum ApprovalDecision
{
    /// <summary>Go ahead.</summary>
    Approved,

    /// <summary>Don't.</summary>
    Rejected,

    /// <summary>Nobody decided in time.</summary>
    Expired,
}

/// <summary>The answer to a question that a run asked. The first answer stands.</summary>
/// <param name="Id">The approval's id.</param>
/// <param name="Decision">The answer.</param>
/// <param name="By">Who gave it; null when nobody did, or nobody said who they are.</param>
/// <param name="Comment">What they said to it.</param>
/// <param name="At">When it was accepted.</param>
public record Approval(string Id, ApprovalDecision Decision, string? By, string? Comment, DateTimeOffset At)
{
    /// <summary>Whether the run may go ahead.</summary>
    public bool IsApproved => Decision == ApprovalDecision.Approved;
}

/// <summary>The answer to a question about arguments.</summary>
/// <typeparam name="T">The arguments' type.</typeparam>
/// <param name="Id">The approval's id.</param>
/// <param name="Decision">The answer.</param>
/// <param name="Arguments">What was decided on: as asked, or as the one who approved changed it.</param>
/// <param name="WasEdited">Whether they were changed.</param>
/// <param name="By">Who gave it; null when nobody did, or nobody said who they are.</param>
/// <param name="Comment">What they said to it.</param>
/// <param name="At">When it was accepted.</param>
public sealed record Approval<T>(string Id, ApprovalDecision Decision, T Arguments, bool WasEdited, string? By, string? Comment, DateTimeOffset At)
    : Approval(Id, Decision, By, Comment, At);
