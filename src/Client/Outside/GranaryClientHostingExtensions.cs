using Granary;
using Granary.Client;
using Granary.Client.Outside;
using Granary.Engine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Hosting;

namespace Microsoft.Extensions.Hosting;

/// <summary>Lets a host talk to a Granary cluster from outside.</summary>
public static class GranaryClientHostingExtensions
{
    /// <summary>
    /// This process starts runs and reads them as <see cref="IGranaryClient"/>, and executes none. It finds the cluster's silos
    /// in their Postgres database, and survives the death of the one it talks to.
    /// </summary>
    /// <param name="builder">The host. After <c>AddGranary</c> this does nothing: a silo has its client. Don't call it before.</param>
    /// <param name="configure">Changes settings; they stand over configuration.</param>
    /// <remarks>
    /// The connection is made when the host starts: <c>StartAsync</c> throws <see cref="StoreException"/> where the database
    /// can't be used and <see cref="GranaryUnavailableException"/> where no silo answers within
    /// <see cref="GranaryClientOptions.ConnectTimeout"/>. A SQLite file belongs to one process and has no cluster (<c>GRN1804</c>).
    /// It uses at most two connections to the database. Settings out of range fail the start under <c>GRN1902</c>. If this
    /// process dies, the runs it started go on: ask for their results again by id. Calls are made again when their way is cut off, so that a start may be answered as one of a run that was there.
    /// </remarks>
    public static IHostApplicationBuilder AddGranaryClient(this IHostApplicationBuilder builder, Action<GranaryClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        if (configure is not null)
            services.Configure(configure);
        if (services.Any(s => s.ServiceType == typeof(IGranaryClient)))
            return builder;

        var section = builder.Configuration.GetSection("Granary");
        services.Insert(0, ServiceDescriptor.Singleton<IConfigureOptions<GranaryClientOptions>>(new ConfigureOptions<GranaryClientOptions>(options =>
        {
            section.Bind(options);
            options.Schema = section["Journal:Schema"] ?? options.Schema;
            options.MaxPayloadBytes = section.GetValue("Payloads:MaxBytes", options.MaxPayloadBytes);
        })));
        services.AddOptions<GranaryClientOptions>().ValidateOnStart();
        services.AddSingleton<IValidateOptions<GranaryClientOptions>, GranaryClientOptionsValidator>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<ClusterConnection>();

        // Before Orleans: what is wrong with the database is told in our words.
        services.AddHostedService(s => s.GetRequiredService<ClusterConnection>());
        builder.UseOrleansClient(client =>
        {
            client.Configure<ClusterOptions>(options => options.ServiceId = options.ClusterId = ClusterConnection.Cluster);
            client.UseAdoNetClustering(clustering => clustering.Configure<ClusterConnection>((options, connection) =>
            {
                options.Invariant = "Npgsql";
                options.DataSource = connection.DataSource;
            }));

            // A gateway that hangs keeps its connections: only the list of the living tells.
            client.Configure<GatewayOptions>(options => options.GatewayListRefreshPeriod = TimeSpan.FromSeconds(5));
            client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = ClusterConnection.CallLimit);
            client.UseConnectionRetryFilter<ConnectionPatience>();
        });
        services.AddSingleton<IGranaryClient>(s =>
        {
            var options = s.GetRequiredService<IOptions<GranaryClientOptions>>().Value;
            var time = s.GetRequiredService<TimeProvider>();
            var stopping = s.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
            return new GranaryClient(s.GetRequiredService<IGrainFactory>(), new ValueJson(options.Json, options.MaxPayloadBytes), time, s,
                stopping, new CallRetry(options.ConnectTimeout, time, stopping), ClusterConnection.CallLimit / 2);
        });
        return builder;
    }
}
