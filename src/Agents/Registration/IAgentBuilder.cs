namespace Granary;

/// <summary>An agent that was added. Use it at start-up from one thread.</summary>
public interface IAgentBuilder
{
    /// <summary>The builder it was added to.</summary>
    IGranaryBuilder Granary { get; }

    /// <summary>The agent's name.</summary>
    string Name { get; }
}
