using Microsoft.Extensions.Options;

namespace Granary.Agents;

/// <summary>The agents of this process.</summary>
internal sealed class AgentRegistry(IEnumerable<AgentDefinition> agents, IOptionsMonitor<AgentOptions> options)
{
    private readonly Dictionary<string, AgentDefinition> _agents = agents.ToDictionary(a => a.Name, StringComparer.Ordinal);

    public IEnumerable<AgentDefinition> All => _agents.Values;

    /// <exception cref="GranaryUsageException"><c>GRN2001</c>: there is none of that name.</exception>
    public AgentDefinition Get(string name) => _agents.GetValueOrDefault(name) ?? throw Unknown(name, _agents.Keys);

    public AgentOptions OptionsOf(AgentDefinition agent) => options.Get(agent.Name);

    public static GranaryUsageException Unknown(string name, IReadOnlyCollection<string> known) =>
        new("GRN2001", $"There is no agent '{name}' here.", known.Count == 0
            ? "Register it with AddAgent()."
            : $"The agents are: {string.Join(", ", known.Order(StringComparer.Ordinal))}.");
}
