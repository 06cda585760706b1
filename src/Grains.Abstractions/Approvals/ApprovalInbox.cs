using System.Text.Json;
using Granary.Engine;

namespace Granary;

/// <summary>The open questions of all runs, and the place to answer them. Holds nothing; thread-safe.</summary>
/// <remarks>The protected constructor and the virtual verbs are for fakes in tests.</remarks>
public class ApprovalInbox
{
    private readonly IApprovalDesk? _desk;

    /// <summary>For fakes.</summary>
    protected ApprovalInbox()
    {
    }

    internal ApprovalInbox(IApprovalDesk desk) => _desk = desk;

    private IApprovalDesk Desk => _desk ?? throw new NotSupportedException("This fake doesn't implement the verb.");

    /// <summary>The open questions, the oldest first. Reads the database, never a run's memory.</summary>
    /// <param name="filter">Which; null for all.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public virtual IAsyncEnumerable<PendingApproval> ListAsync(ApprovalFilter? filter = null, CancellationToken cancellationToken = default) =>
        Desk.ListAsync(filter ?? new ApprovalFilter(), cancellationToken);

    /// <summary>Approves. Returns when the answer is committed; then it stands. The run goes on at once, also when it was parked.</summary>
    /// <param name="id">The approval's id.</param>
    /// <param name="comment">For the run and for whoever reads its journal.</param>
    /// <param name="cancellationToken">Cancels the waiting for the commit.</param>
    /// <exception cref="ApprovalClosedException"><c>GRN1501</c>: another answer was first.</exception>
    /// <exception cref="GranaryException"><c>GRN1502</c>: there is no such approval. <c>GRN1503</c>: the caller is no decider.</exception>
    public virtual Task ApproveAsync(string id, string? comment = null, CancellationToken cancellationToken = default) =>
        Desk.DecideAsync(id, approve: true, null, comment, cancellationToken);

    /// <summary>Approves with other arguments than those that were asked for.</summary>
    /// <typeparam name="T">The arguments' type.</typeparam>
    /// <param name="id">The approval's id.</param>
    /// <param name="editedArguments">What to execute instead.</param>
    /// <param name="comment">For the run and for whoever reads its journal.</param>
    /// <param name="cancellationToken">Cancels the waiting for the commit.</param>
    /// <exception cref="ApprovalClosedException"><c>GRN1501</c>: another answer was first.</exception>
    /// <exception cref="GranaryException"><c>GRN1504</c>: the arguments may not be edited, or don't fit.</exception>
    public virtual Task ApproveAsync<T>(string id, T editedArguments, string? comment = null, CancellationToken cancellationToken = default) =>
        Desk.DecideAsync(id, approve: true, Desk.Write(editedArguments, id), comment, cancellationToken);

    /// <summary>Rejects: an answer as good as the other.</summary>
    /// <param name="id">The approval's id.</param>
    /// <param name="comment">For the run and for whoever reads its journal.</param>
    /// <param name="cancellationToken">Cancels the waiting for the commit.</param>
    /// <exception cref="ApprovalClosedException"><c>GRN1501</c>: another answer was first.</exception>
    public virtual Task RejectAsync(string id, string? comment = null, CancellationToken cancellationToken = default) =>
        Desk.DecideAsync(id, approve: false, null, comment, cancellationToken);
}

/// <summary>Which approvals to list.</summary>
public sealed record ApprovalFilter
{
    /// <summary>Only of that run.</summary>
    public RunId? Run { get; init; }

    /// <summary>Only those that this user (or <c>role:…</c>) is named for, or that anyone may decide.</summary>
    public string? Decider { get; init; }

    /// <summary>Only of runs of that workflow.</summary>
    public string? Workflow { get; init; }
}

/// <summary>A question that waits for an answer.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Run">The run that asks.</param>
/// <param name="Workflow">Its workflow.</param>
/// <param name="Question">The question.</param>
/// <param name="Arguments">Exactly what would be executed; null where there is nothing to show.</param>
/// <param name="AskedAt">When it was asked.</param>
/// <param name="ExpiresAt">Until when it can be answered; null: for ever.</param>
/// <param name="Deciders">Who may answer; empty: anyone.</param>
public sealed record PendingApproval(string Id, RunId Run, string Workflow, string Question, JsonElement? Arguments, DateTimeOffset AskedAt, DateTimeOffset? ExpiresAt, IReadOnlyList<string> Deciders);
