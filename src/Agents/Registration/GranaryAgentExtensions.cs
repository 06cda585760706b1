using Granary.Agents;
using Granary.Engine;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Granary;

/// <summary>Adds agents to an application, and finds them inside and outside of runs.</summary>
public static class GranaryAgentExtensions
{
    /// <summary>Adds an agent: a model with instructions and tools, whose every model and tool call is a step of a run.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">1 to 122 characters, compared ordinally; stored with runs, so keep it. A name that was added before is refused with <c>GRN2006</c>.</param>
    /// <param name="instructions">What the model is told before each question.</param>
    public static IAgentBuilder AddAgent(this IGranaryBuilder builder, string name, string? instructions = null) =>
        AddAgent(builder, name, options => options.Instructions = instructions);

    /// <summary>Adds an agent and sets it up.</summary>
    /// <inheritdoc cref="AddAgent(IGranaryBuilder, string, string?)"/>
    /// <param name="builder">The builder.</param>
    /// <param name="name">1 to 122 characters, compared ordinally; stored with runs, so keep it. A name that was added before is refused with <c>GRN2006</c>.</param>
    /// <param name="configure">Sets the options.</param>
    public static IAgentBuilder AddAgent(this IGranaryBuilder builder, string name, Action<AgentOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        AgentDefinition.CheckName(name);
        if (builder.Services.Any(s => s.ImplementationInstance is AgentDefinition agent && agent.Name == name))
            throw new GranaryUsageException("GRN2006", $"The agent '{name}' was added before.", "Give each agent a name of its own, or configure the one there is.");

        var definition = new AgentDefinition(builder, name);
        builder.Services.AddSingleton(definition);
        builder.Services.TryAddSingleton<AgentRegistry>();
        builder.Services.TryAddSingleton<AgentModels>();
        builder.Services.TryAddSingleton<AgentRunner>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IActivityCatalog, AgentActivities>());
        builder.Services.TryAddSingleton<ModelChoice>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ModelAnnouncement>());
        builder.Services.AddOptions<AgentOptions>(name)
            .Validate(o => o.MaxRounds >= 1, $"The agent '{name}' has MaxRounds below 1.")
            .Validate(o => o.ModelTimeout > TimeSpan.Zero || o.ModelTimeout == Timeout.InfiniteTimeSpan, $"The agent '{name}' has a ModelTimeout that isn't positive.")
            .Validate(o => o.ToolTimeout is not { } limit || limit > TimeSpan.Zero || limit == Timeout.InfiniteTimeSpan, $"The agent '{name}' has a ToolTimeout that isn't positive.")
            .Validate(o => o.RunModelOn is not { } role || (role.Length is > 0 and <= 128 && !string.IsNullOrWhiteSpace(role) && !role.Any(char.IsControl)), $"The agent '{name}' has a RunModelOn that is no role.")
            .ValidateOnStart();
        builder.AddWorkflow<AgentCall, AgentReply>(AgentDefinition.WorkflowOf(name), (ctx, call) => AgentRunner.RunAsync(ctx, name, call));
        return definition.Configure(configure);
    }

    /// <summary>Changes the agent's options.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="configure">The change.</param>
    public static IAgentBuilder Configure(this IAgentBuilder agent, Action<AgentOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(agent);
        agent.Granary.Services.Configure(agent.Name, configure);
        return agent;
    }

    /// <summary>Uses the chat client that is registered under a key. It is made durable if it isn't.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="chatClientKey">The key, as given to <c>AddKeyedChatClient</c>; an unknown one fails the question with <c>GRN2010</c>.</param>
    public static IAgentBuilder UseModel(this IAgentBuilder agent, string chatClientKey) => agent.Configure(o => o.Model = chatClientKey);

    /// <summary>Uses a chat client of the application's making. It is made durable if it isn't.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="factory">Called once with the application's services, at the first question; the client is shared by all questions and disposed at the end of the process.</param>
    public static IAgentBuilder UseModel(this IAgentBuilder agent, Func<IServiceProvider, IChatClient> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        DefinitionOf(agent).ModelFactory = factory;
        return agent;
    }

    /// <summary>Adds the public methods of a class that carry <see cref="System.ComponentModel.DescriptionAttribute"/> or <see cref="ToolAttribute"/>.</summary>
    /// <typeparam name="TTools">The class. For each call it is taken from a service scope of the attempt, or made there and disposed afterwards; it needn't be registered.</typeparam>
    /// <param name="agent">The agent.</param>
    /// <param name="configure">Chooses and configures tools.</param>
    /// <remarks>
    /// Parameters of type <see cref="StepContext"/>, <see cref="WorkflowContext"/>, <see cref="IServiceProvider"/> and
    /// <see cref="CancellationToken"/> are filled in and left out of what the model sees. A class without tools is refused with <c>GRN2007</c>.
    /// </remarks>
    public static IAgentBuilder AddTools<TTools>(this IAgentBuilder agent, Action<ToolSetBuilder>? configure = null)
        where TTools : class
    {
        var tools = ClassTool.Of(typeof(TTools));
        if (tools.Count == 0)
        {
            throw new GranaryUsageException("GRN2007", $"{typeof(TTools)} has no tools.",
                "Mark public methods with [Description(\"what it does\")] or [Tool].");
        }

        var set = new ToolSetBuilder();
        configure?.Invoke(set);
        foreach (var tool in set.Apply(typeof(TTools), tools))
            DefinitionOf(agent).Add(tool);
        return agent;
    }

    /// <summary>Adds a delegate as a tool. What the model sees comes from its parameters and their <see cref="System.ComponentModel.DescriptionAttribute"/>.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="name">What the model calls it; 1 to 128 characters.</param>
    /// <param name="tool">The work; parameters are filled in as <see cref="AddTools{TTools}"/> says.</param>
    /// <param name="configure">Configures the tool.</param>
    public static IAgentBuilder AddTool(this IAgentBuilder agent, string name, Delegate tool, Action<ToolOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(tool);
        Names.CheckName(name, "tool name");
        return agent.AddTool(AIFunctionFactory.Create(tool, ToolParameters.Options(name)), configure);
    }

    /// <summary>Adds a function as a tool. One without a name of its own (a lambda, a local function) is refused with <c>GRN2003</c>, a second of the same name with <c>GRN2004</c>.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="tool">The function.</param>
    /// <param name="configure">Configures the tool.</param>
    public static IAgentBuilder AddTool(this IAgentBuilder agent, AIFunction tool, Action<ToolOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(tool);
        var options = ConfiguredTool.OptionsOf(tool, configure: null);
        configure?.Invoke(options);
        DefinitionOf(agent).Add(new ConfiguredTool(tool, options));
        return agent;
    }

    /// <summary>An agent, for questions that are part of this run. Costs nothing and never fails; whether it exists shows when it is asked.</summary>
    /// <param name="ctx">The run.</param>
    /// <param name="name">The agent's name.</param>
    public static AgentHandle Agent(this WorkflowContext ctx, string name)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        return new AgentInRun(ctx, name);
    }

    /// <summary>An agent, for questions that are runs of their own. Costs nothing and never fails; whether it exists shows when it is asked.</summary>
    /// <param name="client">The client.</param>
    /// <param name="name">The agent's name.</param>
    public static AgentHandle Agent(this IGranaryClient client, string name)
    {
        ArgumentNullException.ThrowIfNull(client);
        return new AgentByClient(client, name);
    }

    private static AgentDefinition DefinitionOf(IAgentBuilder agent)
    {
        ArgumentNullException.ThrowIfNull(agent);
        return agent as AgentDefinition ?? throw new ArgumentException("This builder was not made by AddAgent().", nameof(agent));
    }
}
