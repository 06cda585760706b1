using System.Data.Common;
using Granary.Shared;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Granary.Client.Outside;

/// <summary>The way of an outside client to the list of silos: the cluster's database. Opened once at start, to say what is wrong.</summary>
internal sealed class ClusterConnection : IHostedService, IDisposable
{
    /// <summary>What the silos call their cluster.</summary>
    public const string Cluster = "granary";

    /// <summary>How long one call may take: the retries need some room below a caller's patience.</summary>
    public static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(10);

    private const int MaxConnections = 2;

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(500);

    private readonly GranaryClientOptions _options;
    private readonly TimeProvider _time;
    private readonly string _where;

    /// <exception cref="StoreException"><c>GRN3007</c>: that is no connection string.</exception>
    /// <exception cref="GranaryUsageException"><c>GRN1804</c>: it is one of SQLite, or there is none.</exception>
    public ClusterConnection(IOptions<GranaryClientOptions> options, IConfiguration configuration, TimeProvider time)
    {
        _options = options.Value;
        _time = time;
        var given = _options.ConnectionString is { Length: > 0 } set ? set : configuration.GetConnectionString(_options.ConnectionName);
        if (string.IsNullOrEmpty(given) || !NamesHost(given))
        {
            throw new GranaryUsageException("GRN1804", "A client outside of the silo needs a cluster on Postgres: a SQLite file belongs to the one process that has it open.",
                $"Give the cluster's connection string '{_options.ConnectionName}' ('Host=…;Database=…'), or talk to that process over HTTP.");
        }

        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = new NpgsqlConnectionStringBuilder(given)
            {
                ApplicationName = "granary client",
                Timezone = "UTC",
                MaxPoolSize = MaxConnections,
                MinPoolSize = 0,
                Enlist = false,
                PersistSecurityInfo = false,
                IncludeErrorDetail = false,
            };
            PostgresPools.MeanPrimary(builder);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or KeyNotFoundException)
        {
            // Without the inner exception: it may quote what stands in the string.
            throw Unreadable();
        }

        _where = $"Postgres database '{builder.Database ?? builder.Username}' on {builder.Host}:{builder.Port}, schema '{_options.Schema}'";
        DataSource = PostgresPools.Create(builder, _options.Schema);
    }

    public NpgsqlDataSource DataSource { get; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _options.Json.MakeReadOnly(populateMissingResolver: true);
        var begun = _time.GetTimestamp();
        while (true)
        {
            try
            {
                await using var command = DataSource.CreateCommand("select count(*) from OrleansQuery");
                await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (PostgresException e) when (!e.IsTransient)
            {
                throw Refused(e);
            }
            catch (Exception e) when (e is NpgsqlException or System.Net.Sockets.SocketException)
            {
                if (_time.GetElapsedTime(begun) >= _options.ConnectTimeout)
                {
                    throw new StoreException("GRN3006", $"The {_where} can't be reached: {e.Message}{(e.InnerException is { } inner ? $": {inner.Message}" : "")}",
                        "Check host, port and network, and that the server runs.", e);
                }
            }

            await Task.Delay(_pause, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => DataSource.Dispose();

    private StoreException Refused(PostgresException e) => e.SqlState switch
    {
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => new StoreException("GRN3010",
            $"The {_where} doesn't let this user in: {e.MessageText}.", "Check user and password in the connection string.", e),
        PostgresErrorCodes.InsufficientPrivilege => new StoreException("GRN3003",
            $"The {_where} can't be read by this user: {e.MessageText}.", "A client needs to read the tables OrleansQuery and OrleansMembershipTable.", e),
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName => new StoreException("GRN3005",
            $"The {_where} has no cluster's tables: no silo was ever started on it.", "Start a silo, or check database and schema.", e),
        _ => new StoreException("GRN3006", $"The {_where} can't be used: {e.MessageText} ({e.SqlState}).", "Check the server and its log.", e),
    };

    private static bool NamesHost(string connection)
    {
        try
        {
            var parts = new DbConnectionStringBuilder { ConnectionString = connection };
            return parts.ContainsKey("Host") || parts.ContainsKey("Server");
        }
        catch (ArgumentException)
        {
            throw Unreadable();
        }
    }

    private static StoreException Unreadable() =>
        new("GRN3007", "The connection string is not one of Postgres.", "Write it as 'Host=…;Database=…;Username=…;Password=…'.");
}
