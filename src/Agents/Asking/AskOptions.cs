using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>How one question is asked. Immutable.</summary>
public sealed record AskOptions
{
    /// <summary>From a client: the id of the question's run, so that asking again with the same key gives the same answer and asks no model. Default null: a new run. Inside a run the question's place is its key, and this is ignored.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>The key of another <see cref="IChatClient"/> for this question. Default null: the agent's.</summary>
    public string? Model { get; init; }

    /// <summary>Overrides the agent's <see cref="AgentOptions.Chat"/>, property by property; tools are added. From a client it travels as JSON: tools and delegates are refused with <c>GRN2008</c>.</summary>
    public ChatOptions? Chat { get; init; }
}
