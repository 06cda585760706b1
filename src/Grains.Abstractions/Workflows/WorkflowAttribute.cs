namespace Granary;

/// <summary>
/// Names a workflow class. Without it the class's simple name is used. The name is stored with every run, so it must
/// stay when the class is renamed. Inherited: a contract class carries it for its implementation.
/// </summary>
/// <param name="name">1 to 128 characters, compared ordinally.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = true)]
public sealed class WorkflowAttribute(string name) : Attribute
{
    /// <summary>The name under which runs of the class are stored.</summary>
    public string Name { get; } = name;

    /// <summary>The version of the class, from 1; new runs take the highest that is registered.</summary>
    public int Version { get; init; } = 1;
}
