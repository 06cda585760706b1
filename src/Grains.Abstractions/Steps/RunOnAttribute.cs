namespace Granary;

/// <summary>
/// A tool, or the tools of a class, run on silos of a role (<see cref="GranaryOptions.Roles"/>): the run stays where it is,
/// and waits visibly (<c>silo</c>) while no silo has the role. Options given where the tool is added win.
/// </summary>
/// <param name="role">The role; 1 to 128 characters.</param>
/// <remarks>
/// When the silo that runs the tool dies, the call is sent to another one under the same
/// <see cref="StepContext.IdempotencyKey"/> and with the same attempt number.
/// </remarks>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class)]
public sealed class RunOnAttribute(string role) : Attribute
{
    /// <summary>The role.</summary>
    public string Role { get; } = role;
}
