using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Runtime;
using Orleans.Runtime.MembershipService.SiloMetadata;

namespace Granary.Activities;

/// <summary>Which silos have which roles, as the cluster's members tell of themselves.</summary>
internal sealed class SiloRoles(IOptions<GranaryOptions> options, ISiloStatusOracle members, IServiceProvider services)
{
    /// <summary>Under this name a silo's metadata hold its roles, separated by line feeds.</summary>
    public const string MetadataKey = "granary.roles";

    private readonly ISiloMetadataCache? _metadata = services.GetService<ISiloMetadataCache>();

    /// <summary>Whether this silo has the role.</summary>
    public bool IsOwn(string role) => options.Value.Roles.Contains(role, StringComparer.Ordinal);

    /// <summary>Whether a silo is alive and has the role.</summary>
    public bool Has(SiloAddress silo, string role) => members.GetApproximateSiloStatus(silo) == SiloStatus.Active && Roles(silo).Contains(role, StringComparer.Ordinal);

    /// <summary>One of the living silos that have the role, by chance; null when there is none.</summary>
    public SiloAddress? Pick(string role)
    {
        var having = members.GetApproximateSiloStatuses(onlyActive: true).Keys.Where(silo => Has(silo, role)).ToList();
        return having.Count == 0 ? null : having[Random.Shared.Next(having.Count)];
    }

    private string[] Roles(SiloAddress silo) =>
        _metadata?.GetSiloMetadata(silo)?.Metadata.GetValueOrDefault(MetadataKey)?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [];
}
