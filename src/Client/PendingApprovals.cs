using System.Text.Json;
using Granary.Engine;
using Granary.Grains;

namespace Granary.Client;

/// <summary>Turns stored approvals into what users see.</summary>
internal static class PendingApprovals
{
    public static PendingApproval ToPending(ApprovalFact fact)
    {
        JsonElement? arguments = fact.Arguments is null ? null : GranaryJson.Element(fact.Arguments);
        return new PendingApproval(fact.Id, new RunId(fact.Run), fact.Workflow, fact.Question,
            arguments is { ValueKind: JsonValueKind.Null } ? null : arguments, fact.AskedAt, fact.ExpiresAt, fact.Deciders);
    }
}
