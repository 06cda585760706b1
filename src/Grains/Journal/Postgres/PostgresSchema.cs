using DbUp;
using DbUp.Engine;
using DbUp.Postgresql;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Granary.Journal.Postgres;

/// <summary>
/// Brings a database's schema to this build's, under a lock: of many silos that start at once one does it and the others
/// find it done. Scripts only ever add, so silos of older builds go on beside it.
/// </summary>
internal sealed partial class PostgresSchema(PostgresConnections connections, ILogger logger)
{
    private const string Table = "granary_schema";

    private readonly string _schema = connections.Schema;
    private readonly string _where = connections.Description;
    private readonly ILogger _logger = logger;

    /// <summary>Checks the schema and, where it may, brings it up to date.</summary>
    /// <exception cref="StoreException"><c>GRN3004</c> a newer schema, <c>GRN3005</c> an older one that must stay, <c>GRN3008</c> a script failed.</exception>
    public void Update(NpgsqlConnection connection, bool mayMigrate)
    {
        var scripts = SchemaScripts.Of("Postgres");
        if (Missing(connection, scripts) is not { } missing)
            return;
        if (!mayMigrate)
        {
            throw new StoreException("GRN3005", $"The schema of the {_where} is older than this build's: '{missing}' is missing.",
                "Set Granary:Journal:MigrateAtStart to true for one start, or run 'granary db migrate'.");
        }

        // The lock belongs to the session: it goes with the process, whatever becomes of it.
        Execute(connection, $"select pg_advisory_lock(hashtext('granary schema'), hashtext('{_schema}'))");
        try
        {
            if (Missing(connection, scripts) is null)
                return;
            if (!Is(connection, $"select exists (select 1 from pg_namespace where nspname = '{_schema}')"))
                Execute(connection, $"create schema {_schema}");
            Apply(scripts);
            LogMigrated(_where, scripts[^1].Name);
        }
        finally
        {
            if (connection.State == System.Data.ConnectionState.Open)
                Execute(connection, $"select pg_advisory_unlock(hashtext('granary schema'), hashtext('{_schema}'))");
        }
    }

    private void Apply(List<SqlScript> scripts)
    {
        using var source = connections.Migration();
        var result = DeployChanges.To.PostgresqlDatabase(new PostgresqlConnectionManager(source))
            .WithScripts(scripts)
            .JournalToPostgresqlTable(_schema, Table)
            .WithTransactionPerScript()
            .WithVariablesDisabled()
            .LogTo(new UpgradeLog(_logger))
            .Build()
            .PerformUpgrade();
        if (result.Successful)
            return;
        if (result.Error is NpgsqlException and not PostgresException or PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege })
            throw PostgresErrors.Opening(_where, result.Error);
        throw new StoreException("GRN3008", $"The schema of the {_where} can't be brought up to date: '{result.ErrorScript?.Name}': {result.Error.Message}",
            "Nothing of that script was kept. Tables of your own are in its way: give Granary a schema of its own (Granary:Journal:Schema).", result.Error);
    }

    /// <summary>The first script that the database lacks.</summary>
    private string? Missing(NpgsqlConnection connection, List<SqlScript> scripts)
    {
        var applied = Applied(connection);
        if (applied.Except(scripts.Select(s => s.Name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } unknown)
        {
            throw new StoreException("GRN3004", $"The {_where} has a newer schema than this build: it doesn't know '{unknown}'.",
                "Run the newer build, or restore a backup from before its migration.");
        }

        return scripts.Select(s => s.Name).FirstOrDefault(name => !applied.Contains(name));
    }

    private HashSet<string> Applied(NpgsqlConnection connection)
    {
        var applied = new HashSet<string>();
        if (!Is(connection, $"select to_regclass('{_schema}.{Table}') is not null"))
            return applied;
        using var command = new NpgsqlCommand($"select scriptname from {_schema}.{Table}", connection);
        using var reader = command.ExecuteReader();
        while (reader.Read())
            applied.Add(reader.GetString(0));
        return applied;
    }

    private static bool Is(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return (bool)command.ExecuteScalar()!;
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    [LoggerMessage(3101, LogLevel.Information, "The schema of the {Where} was brought up to {Script}.")]
    private partial void LogMigrated(string where, string script);
}
