using System.Text.Json;
using Granary.Engine;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Agents;

/// <summary>The tools and models of the agents, as other silos' runs call them.</summary>
internal sealed class AgentActivities(AgentRegistry agents, IServiceProvider services) : IActivityCatalog
{
    // Names are clean text: a line feed is in none of them.
    public static string ToolOf(string agent, string tool) => $"tool\n{agent}\n{tool}";

    public static string ModelOf(string agent) => $"llm\n{agent}";

    public NamedActivity? Find(string name) => name.Split('\n') switch
    {
        ["tool", var agent, var tool] when Definition(agent)?.Tools.FirstOrDefault(t => t.Name == tool) is { } function =>
            new((step, input) => InvokeAsync(function, step, input)),
        ["llm", var agent] when Definition(agent) is { } definition => new((step, input) => AskAsync(definition, step, input))
        {
            IsTransient = ModelFailures.IsTransient,
            RetryAfter = ModelFailures.RetryAfter,
        },
        _ => null,
    };

    private AgentDefinition? Definition(string agent) => agents.All.FirstOrDefault(a => a.Name == agent);

    private static async Task<byte[]> InvokeAsync(AIFunction tool, StepContext step, byte[] input)
    {
        var arguments = JsonSerializer.Deserialize<Dictionary<string, object?>>(input, AgentJson.Options) ?? [];
        ToolParameters.Check(tool, arguments);
        var result = await tool.InvokeAsync(new(arguments) { Services = step.Services }, step.CancellationToken).ConfigureAwait(false);
        return JsonSerializer.SerializeToUtf8Bytes(ToolResults.Write(result), AgentJson.Options);
    }

    private async Task<byte[]> AskAsync(AgentDefinition agent, StepContext step, byte[] input)
    {
        var call = JsonSerializer.Deserialize<RemoteModelCall>(input, AgentJson.Options)!;
        var options = call.Options ?? new();
        options.Tools = call.Tools is null ? null : [.. call.Tools.Select(name => agent.Tools.FirstOrDefault(t => t.Name == name) ?? throw new GranaryUsageException(
            "GRN2013", $"The tool '{name}' is none of agent '{agent.Name}' itself, so its model can't be told of it on another silo.", "Add the tool to the agent, or take RunModelOn away."))];
        var client = services.GetRequiredService<AgentModels>().ClientFor(step.Services, agent, call.Model);

        // Below the loop: this is one call of the model.
        var model = (DurableChatClient)client.GetService(typeof(DurableChatClient))!;
        var response = call.IsStreaming
            ? await model.GetStreamingResponseAsync(call.Messages, options, step.CancellationToken).ToChatResponseAsync(step.CancellationToken).ConfigureAwait(false)
            : await model.GetResponseAsync(call.Messages, options, step.CancellationToken).ConfigureAwait(false);
        return JsonSerializer.SerializeToUtf8Bytes(response, AgentJson.Options);
    }
}

/// <summary>A model call as it is sent to another silo.</summary>
internal sealed record RemoteModelCall
{
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    public ChatOptions? Options { get; init; }

    /// <summary>The names of the tools that the model is told of; all are the agent's own.</summary>
    public IReadOnlyList<string>? Tools { get; init; }

    /// <summary>The key of the chat client.</summary>
    public string? Model { get; init; }

    public bool IsStreaming { get; init; }
}
