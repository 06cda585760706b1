using Granary.Agents;

namespace Granary;

/// <summary>Chooses and configures the tools of one class. Use it at start-up from one thread.</summary>
public sealed class ToolSetBuilder
{
    private readonly List<(string Tool, Action<ToolOptions> Configure)> _each = [];
    private readonly List<Action<ToolOptions>> _all = [];
    private HashSet<string>? _only;

    internal ToolSetBuilder()
    {
    }

    /// <summary>Configures one tool.</summary>
    /// <param name="tool">The method's name (<c>nameof</c>) or the tool's; an unknown one is refused with <c>GRN2007</c>.</param>
    /// <param name="configure">The change; it runs after all <see cref="ConfigureAll"/>.</param>
    public ToolSetBuilder Configure(string tool, Action<ToolOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        _each.Add((tool, configure));
        return this;
    }

    /// <summary>Configures all tools of the class.</summary>
    /// <param name="configure">The change; it is stronger than the tools' <see cref="ToolAttribute"/>.</param>
    public ToolSetBuilder ConfigureAll(Action<ToolOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        _all.Add(configure);
        return this;
    }

    /// <summary>Takes only these tools of the class.</summary>
    /// <param name="tools">Names of methods or tools; an unknown one is refused with <c>GRN2007</c>.</param>
    public ToolSetBuilder Only(params string[] tools)
    {
        _only = new(tools, StringComparer.Ordinal);
        return this;
    }

    internal IReadOnlyList<ClassTool> Apply(Type type, IReadOnlyList<ClassTool> tools)
    {
        foreach (var name in _each.Select(e => e.Tool).Concat(_only ?? []))
        {
            if (!tools.Any(t => IsCalled(t, name)))
            {
                throw new GranaryUsageException("GRN2007", $"{type} has no tool '{name}'.",
                    $"Its tools are: {string.Join(", ", tools.Select(t => t.Name))}.");
            }
        }

        var chosen = tools.Where(t => _only is null || _only.Any(name => IsCalled(t, name))).ToList();
        foreach (var tool in chosen)
        {
            foreach (var configure in _all.Concat(_each.Where(e => IsCalled(tool, e.Tool)).Select(e => e.Configure)))
                configure(tool.Options);
        }

        return chosen;
    }

    private static bool IsCalled(ClassTool tool, string name) => tool.Name == name || tool.Method.Name == name;
}
