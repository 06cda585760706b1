using Granary.Shared;
using Npgsql;

namespace Granary.Journal.Postgres;

/// <summary>
/// The connections of one silo: one that writes, and pools of those that read and of Orleans' own. Ten in all, at most.
/// </summary>
internal sealed class PostgresConnections : IDisposable
{
    public const int MaxReaders = 6;
    private const int MaxOrleans = 3;
    private const int ReadBytes = 64 * 1024;

    private readonly string _given;
    private readonly Lazy<NpgsqlDataSource> _reader;
    private readonly Lazy<NpgsqlDataSource> _orleans;

    /// <exception cref="StoreException"><c>GRN3007</c>: that is no connection string.</exception>
    public PostgresConnections(string connectionString, string schema)
    {
        _given = connectionString;
        Schema = schema;
        var target = Parse();
        Description = $"Postgres database '{target.Database ?? target.Username}' on {target.Host}:{target.Port}, schema '{schema}'";
        _reader = new(() => Pool("granary reader", MaxReaders, searchPath: null));
        _orleans = new(() => Pool("granary orleans", MaxOrleans, schema));
    }

    public string Schema { get; }

    /// <summary>For messages: what and where, without secrets.</summary>
    public string Description { get; }

    public NpgsqlDataSource Reader => _reader.Value;

    /// <summary>For Orleans' providers: their tables lie in the same schema, found by the search path.</summary>
    public NpgsqlDataSource Orleans => _orleans.Value;

    /// <summary>A connection of its own, outside every pool, not yet open.</summary>
    public NpgsqlConnection New(string name)
    {
        var builder = Parse();
        builder.ApplicationName = name;
        builder.Pooling = false;

        // The server's limit comes first; this one is for a server that doesn't answer at all. It breaks the connection at
        // once: asking a silent server to cancel would take as long again.
        builder.CommandTimeout = 40;
        builder.CancellationTimeout = -1;

        // The writer's few statements are all prepared: their second use does it, in the same round trip.
        builder.MaxAutoPrepare = 32;
        builder.AutoPrepareMinUsages = 2;
        return new NpgsqlConnection(builder.ToString());
    }

    /// <summary>One connection for the schema's scripts, whose names find the schema by the search path. Dispose it.</summary>
    public NpgsqlDataSource Migration() => Pool("granary start", 1, Schema);

    public void Dispose()
    {
        if (_reader.IsValueCreated)
            _reader.Value.Dispose();
        if (_orleans.IsValueCreated)
            _orleans.Value.Dispose();
    }

    private NpgsqlDataSource Pool(string name, int size, string? searchPath)
    {
        var builder = Parse();
        builder.ApplicationName = name;
        builder.Pooling = true;
        builder.MinPoolSize = 0;
        builder.MaxPoolSize = size;

        // A history is read by the megabyte: with Npgsql's 8 KB every few rows would wait for the next ones.
        builder.ReadBufferSize = ReadBytes;
        if (searchPath is not null)
            builder.Timezone = "UTC";
        return PostgresPools.Create(builder, searchPath);
    }

    private NpgsqlConnectionStringBuilder Parse()
    {
        try
        {
            var builder = new NpgsqlConnectionStringBuilder(_given)
            {
                // A transaction of the application's is not the journal's, and neither passwords nor values belong in messages.
                Enlist = false,
                PersistSecurityInfo = false,
                IncludeErrorDetail = false,
                LogParameters = false,
                TcpKeepAlive = true,
            };
            PostgresPools.MeanPrimary(builder);
            return builder;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or KeyNotFoundException)
        {
            // Without the inner exception: it may quote what stands in the string.
            throw new StoreException("GRN3007", "The connection string is not one of Postgres.",
                "Write it as 'Host=…;Database=…;Username=…;Password=…'.");
        }
    }
}
