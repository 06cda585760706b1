using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>A question as it is stored: the input of an agent's workflow.</summary>
internal sealed record AgentCall
{
    public string? Agent { get; init; }

    [JsonConverter(typeof(AgentJsonConverter<IReadOnlyList<ChatMessage>>))]
    public IReadOnlyList<ChatMessage> Messages { get; init; } = [];

    public string? Model { get; init; }

    [JsonConverter(typeof(AgentJsonConverter<ChatOptions>))]
    public ChatOptions? Chat { get; init; }
}
