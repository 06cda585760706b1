using System.Text.Json;
using Granary.Engine;
using Granary.Grains;
using Granary.Journal;
using Orleans.Concurrency;

namespace Granary.Approvals;

/// <inheritdoc/>
[GrainType("granary.approval-inbox"), StatelessWorker]
internal sealed class ApprovalInboxGrain(IJournalStore store) : Grain, IApprovalInboxGrain
{
    public async Task<IReadOnlyList<ApprovalFact>> ListAsync(string? run, string? workflow, ApprovalFact? after, int limit) =>
        [.. (await store.ListApprovalsAsync(run, workflow, after is null ? null : (after.AskedAt, after.Id), limit, CancellationToken.None)).Select(ToFact)];

    public async Task<ApprovalFact?> FindAsync(string id) => await store.FindApprovalAsync(id, CancellationToken.None) is { } found ? ToFact(found) : null;

    internal static ApprovalFact ToFact(StoredApproval stored) => new()
    {
        Id = stored.Asked.Id,
        Run = stored.Asked.RunId,
        Workflow = stored.Asked.Workflow,
        Question = stored.Asked.Question,
        Arguments = stored.Asked.Arguments is { } arguments ? PayloadCodec.Decode(arguments) : null,
        AskedAt = stored.AskedAt,
        ExpiresAt = stored.Asked.ExpiresAt,
        Deciders = stored.Asked.Deciders is { } deciders ? JsonSerializer.Deserialize<string[]>(deciders, GranaryJson.Own)! : [],
        Decision = ToFact(stored.Closed, stored.ClosedAt),
    };

    internal static DecisionFact? ToFact(ApprovalClosedRow? closed, DateTimeOffset? at) => closed is null ? null : new DecisionFact(
        Enum.Parse<ApprovalDecision>(closed.Decision, ignoreCase: true), closed.By, closed.Comment,
        closed.EditedArguments is { } edited ? PayloadCodec.Decode(edited) : null, at!.Value);
}
