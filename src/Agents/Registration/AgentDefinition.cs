using Granary.Engine;
using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>An agent as it was registered; its settings are the named <see cref="AgentOptions"/>.</summary>
internal sealed class AgentDefinition(IGranaryBuilder granary, string name) : IAgentBuilder
{
    private const string WorkflowPrefix = "agent:";

    private readonly List<ConfiguredTool> _tools = [];

    public IGranaryBuilder Granary { get; } = granary;

    public string Name { get; } = name;

    public IReadOnlyList<ConfiguredTool> Tools => _tools;

    /// <summary>Makes the chat client, where the application gave a factory instead of a key.</summary>
    public Func<IServiceProvider, IChatClient>? ModelFactory { get; set; }

    /// <summary>The workflow whose runs are the questions that clients ask this agent.</summary>
    public static string WorkflowOf(string agent) => WorkflowPrefix + agent;

    public static void CheckName(string? agent)
    {
        Names.CheckName(agent, "agent name");
        Names.CheckName(WorkflowOf(agent!), "agent's workflow name");
    }

    public void Add(ConfiguredTool tool)
    {
        ToolNames.Check(tool);
        if (_tools.Exists(t => t.Name == tool.Name))
            throw ToolNames.Duplicate(tool.Name);
        if (tool.Options.RunOn is { } role)
        {
            Names.CheckName(role, "role");
            if (tool.Options.Execution != ToolExecution.Step)
            {
                throw new GranaryUsageException("GRN2013", $"The tool '{tool.Name}' is to run on silos of the role '{role}', but it is no step.",
                    "Make it a step (ToolExecution.Step), or take RunOn away.");
            }
        }

        _tools.Add(tool);
    }
}
