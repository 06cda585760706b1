using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Agents;

/// <summary>Finds the chat client of an agent and sees to it that it is durable.</summary>
internal sealed class AgentModels(IServiceProvider application, ModelChoice choice) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<AgentDefinition, IChatClient> _made = [];

    /// <param name="services">The activation's services.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="key">The key that the question or the agent names.</param>
    /// <exception cref="GranaryUsageException"><c>GRN2010</c>: no client is registered under the key.</exception>
    public IChatClient ClientFor(IServiceProvider services, AgentDefinition agent, string? key)
    {
        var client = key is not null ? Keyed(services, agent, key)
            : agent.ModelFactory is { } factory ? Made(agent, factory)
            : services.GetService<IChatClient>() ?? choice.Client;
        return client.GetService(typeof(DurableFunctionInvokingChatClient)) is not null
            ? client
            : new ChatClientBuilder(client).UseDurable().Build(services);
    }

    public void Dispose()
    {
        foreach (var client in _made.Values)
            client.Dispose();
    }

    private static IChatClient Keyed(IServiceProvider services, AgentDefinition agent, string key) =>
        services.GetKeyedService<IChatClient>(key) ?? throw new GranaryUsageException("GRN2010",
            $"Agent '{agent.Name}' wants the chat client '{key}', which isn't registered.", $"Register it: services.AddKeyedChatClient(\"{key}\", …).");

    private IChatClient Made(AgentDefinition agent, Func<IServiceProvider, IChatClient> factory)
    {
        lock (_lock)
        {
            if (!_made.TryGetValue(agent, out var client))
                _made[agent] = client = factory(application);
            return client;
        }
    }
}
