using System.Text.Json;
using Granary.Agents;

namespace Granary;

/// <summary>Makes a tool wait for a person. Only the gated call waits: other calls of the same reply run meanwhile.</summary>
public sealed record ToolApproval
{
    /// <summary>Which calls need it; must depend on the call alone, for it is asked again on replay. Default null: all.</summary>
    public Func<ToolCall, bool>? When { get; init; }

    /// <summary>What is asked; must depend on the call alone. Default null: names tool and agent.</summary>
    public Func<ToolCall, string>? Question { get; init; }

    /// <summary>Who may decide, until when, and whether the arguments may be edited.</summary>
    public ApprovalOptions Options { get; init; } = new();
}

/// <summary>A call of a tool that a model asks for.</summary>
/// <param name="Agent">The agent, or the chat client's name.</param>
/// <param name="Tool">The tool.</param>
/// <param name="Arguments">The arguments, as the model gave them.</param>
public sealed record ToolCall(string Agent, string Tool, IReadOnlyDictionary<string, JsonElement> Arguments)
{
    /// <summary>An argument as a value; the default where the model gave none, or null.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="name">The argument's name.</param>
    public T? Argument<T>(string name) => Arguments.TryGetValue(name, out var value) ? value.Deserialize<T>(AgentJson.Options) : default;
}
