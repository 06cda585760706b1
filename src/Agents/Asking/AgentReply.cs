using System.Text.Json.Serialization;
using Granary.Agents;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>An agent's answer. Immutable; do not change the messages.</summary>
/// <param name="Agent">Who answered.</param>
/// <param name="Text">The text of the last message.</param>
/// <param name="Messages">All messages since the question: the model's, and those with the tools' results.</param>
/// <param name="Usage">What it took.</param>
public record AgentReply(
    string Agent,
    string Text,
    [property: JsonConverter(typeof(AgentJsonConverter<IReadOnlyList<ChatMessage>>))] IReadOnlyList<ChatMessage> Messages,
    Usage Usage);

/// <summary>An agent's answer as a value.</summary>
/// <typeparam name="T">Its type.</typeparam>
/// <param name="Agent">Who answered.</param>
/// <param name="Text">The text of the last message: the value's JSON.</param>
/// <param name="Messages">All messages since the question.</param>
/// <param name="Usage">What it took.</param>
/// <param name="Value">The value.</param>
public sealed record AgentReply<T>(string Agent, string Text, IReadOnlyList<ChatMessage> Messages, Usage Usage, T Value)
    : AgentReply(Agent, Text, Messages, Usage);

/// <summary>What model calls took, as the provider counted it; what it did not count is 0.</summary>
/// <param name="ModelCalls">How many calls of a model, without failed attempts.</param>
/// <param name="InputTokens">Tokens read.</param>
/// <param name="CachedTokens">Those of them that the provider had cached.</param>
/// <param name="OutputTokens">Tokens written.</param>
/// <param name="ReasoningTokens">Tokens of reasoning.</param>
/// <param name="Cost">In money; null where no price is known.</param>
public sealed record Usage(int ModelCalls, long InputTokens, long CachedTokens, long OutputTokens, long ReasoningTokens, decimal? Cost);
