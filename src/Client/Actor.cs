namespace Granary.Client;

/// <summary>For whom a client acts.</summary>
internal sealed record Actor(string User, IReadOnlyList<string> Roles);
