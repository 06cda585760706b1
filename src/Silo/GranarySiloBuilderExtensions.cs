using Granary;
using Granary.Silo;
using Microsoft.Extensions.Hosting;

namespace Orleans.Hosting;

/// <summary>Adds Granary to a silo that an application sets up itself.</summary>
public static class GranarySiloBuilderExtensions
{
    /// <summary>
    /// This silo also executes runs and keeps their journals. Clustering, reminders, endpoints and clocks stay the application's.
    /// </summary>
    /// <param name="builder">The silo's builder, inside of <c>UseOrleans</c>.</param>
    /// <param name="configure">Adds workflows and agents.</param>
    /// <remarks>
    /// <para>
    /// A reminder service must be there (<c>UseAdoNetReminderService</c>, for instance): the grains that wake runs are held up
    /// by reminders. All silos of the cluster have the same database of Granary; a SQLite file is for a cluster of one.
    /// </para>
    /// <para>
    /// How soon runs of a dead silo go on elsewhere is a matter of the cluster's own settings: <c>FastFailover</c> changes nothing here.
    /// <c>AddGranaryClient</c> finds only clusters that <see cref="GranaryHostingExtensions.AddGranary"/> has set up; elsewhere
    /// take <see cref="IGranaryClient"/> from a silo.
    /// </para>
    /// </remarks>
    public static ISiloBuilder AddGranary(this ISiloBuilder builder, Action<IGranaryBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var granary = GranaryBuilder.For(builder);
        configure?.Invoke(granary);
        return builder;
    }
}
