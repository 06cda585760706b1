using Granary.Engine;

namespace Granary.Runs;

/// <summary>The workflows that this process can execute. Immutable.</summary>
internal sealed class WorkflowRegistry
{
    /// <summary>The error of runs whose workflow is lacking where they were tried.</summary>
    public const string LackingCode = "GRN1803";

    private readonly Dictionary<(string Name, int Version), WorkflowDescriptor> _byVersion = [];
    private readonly Dictionary<string, WorkflowDescriptor> _newest = new(StringComparer.Ordinal);

    /// <exception cref="GranaryUsageException"><c>GRN1801</c>: one name for two workflows.</exception>
    public WorkflowRegistry(IEnumerable<WorkflowDescriptor> descriptors)
    {
        foreach (var descriptor in descriptors)
        {
            if (_byVersion.TryGetValue((descriptor.Name, descriptor.Version), out var other))
            {
                if (other.Identity.Equals(descriptor.Identity))
                    continue;
                throw new GranaryUsageException("GRN1801",
                    $"The name '{descriptor.Name}' (version {descriptor.Version}) is registered for two workflows: {other.Identity} and {descriptor.Identity}.",
                    "Name one of them with [Workflow(\"…\")], or give it another version.");
            }

            _byVersion.Add((descriptor.Name, descriptor.Version), descriptor);
            if (!_newest.TryGetValue(descriptor.Name, out var newest) || newest.Version < descriptor.Version)
                _newest[descriptor.Name] = descriptor;
        }
    }

    /// <summary>All that this build has.</summary>
    public IReadOnlyCollection<(string Name, int Version)> Known => _byVersion.Keys;

    /// <summary>The class for new runs; null when the name is unknown.</summary>
    public WorkflowDescriptor? Newest(string name) => _newest.GetValueOrDefault(name);

    /// <summary>The class of a run that exists; null when this build doesn't have it.</summary>
    public WorkflowDescriptor? Find(string name, int version) => _byVersion.GetValueOrDefault((name, version));
}
