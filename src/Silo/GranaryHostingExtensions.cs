using Granary;
using Granary.Silo;

namespace Microsoft.Extensions.Hosting;

/// <summary>Turns a host into a Granary silo.</summary>
public static class GranaryHostingExtensions
{
    /// <summary>
    /// This process becomes a silo: it executes runs and keeps their journals. Without a connection string it is a
    /// complete system over one SQLite file.
    /// </summary>
    /// <param name="builder">The host: a console program's or a web application's.</param>
    /// <param name="configure">Adds workflows and agents.</param>
    /// <returns>The builder to add more; a second call returns the same one.</returns>
    /// <remarks>
    /// The store is opened when the host starts: <c>StartAsync</c> throws <see cref="StoreException"/> where it can't be.
    /// Whoever hosts Granary must know that a silo which the cluster declared dead ends its process.
    /// </remarks>
    public static IGranaryBuilder AddGranary(this IHostApplicationBuilder builder, Action<IGranaryBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var granary = GranaryBuilder.For(builder);
        configure?.Invoke(granary);
        return granary;
    }
}
