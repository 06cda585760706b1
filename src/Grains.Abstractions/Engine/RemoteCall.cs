namespace Granary.Engine;

/// <summary>Lets a step's body run on a silo of a role. Where the run's own silo has it, the body runs there as any other.</summary>
/// <param name="Activity">The body's name, as every silo's <see cref="IActivityCatalog"/> knows it.</param>
/// <param name="Role">The role.</param>
/// <param name="Input">Makes what the body gets; asked only when the body is sent.</param>
internal sealed record RemoteCall(string Activity, string Role, Func<byte[]> Input);
