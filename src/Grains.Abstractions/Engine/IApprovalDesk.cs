using System.Text.Json;

namespace Granary.Engine;

/// <summary>What the inbox can do, implemented by the client.</summary>
internal interface IApprovalDesk
{
    IAsyncEnumerable<PendingApproval> ListAsync(ApprovalFilter filter, CancellationToken cancellationToken);

    Task DecideAsync(string id, bool approve, byte[]? arguments, string? comment, CancellationToken cancellationToken);

    byte[] Write<T>(T arguments, string id);
}

/// <summary>A question that a run asks.</summary>
/// <param name="Name">What replay compares.</param>
/// <param name="Question">For whoever decides.</param>
/// <param name="Arguments">What would be executed.</param>
/// <param name="Options">Who may decide, and until when.</param>
internal sealed record ApprovalCall<T>(string Name, string Question, T Arguments, ApprovalOptions Options)
{
    /// <summary>The place, when the caller numbered it itself; else the next one of the ambient scope.</summary>
    public StepKey? Key { get; init; }

    /// <summary>How the arguments are written and read. Null: as the application's options say.</summary>
    public JsonSerializerOptions? Json { get; init; }

    /// <summary>Whether edited arguments fit; says what is wrong with them, or null. Null: whether they can be read is all that is asked.</summary>
    public Func<T, string?>? Check { get; init; }
}
