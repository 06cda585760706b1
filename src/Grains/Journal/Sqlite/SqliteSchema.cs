using DbUp;
using DbUp.Engine;
using DbUp.Sqlite.Helpers;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Granary.Journal.Sqlite;

/// <summary>Brings a database's schema to this build's. Scripts only ever add, so an older build's data stays readable.</summary>
internal sealed partial class SqliteSchema(string path, ILogger logger)
{
    private const string Table = "granary_schema";

    private readonly ILogger _logger = logger;

    /// <summary>Checks the schema and, where it may, brings it up to date. Call it under the database's lock.</summary>
    /// <exception cref="StoreException"><c>GRN3004</c> a newer schema, <c>GRN3005</c> an older one that must stay, <c>GRN3008</c> a script failed.</exception>
    public void Update(SqliteConnection connection, bool mayMigrate)
    {
        var scripts = SchemaScripts.Of("Sqlite");
        var applied = Applied(connection);
        if (applied.FirstOrDefault(name => !scripts.Any(script => script.Name == name)) is { } unknown)
        {
            throw new StoreException("GRN3004", $"The database '{path}' has a newer schema than this build: it doesn't know '{unknown}'.",
                "Run the newer build, or restore a backup from before its migration.");
        }

        if (scripts.Find(script => !applied.Contains(script.Name)) is not { } missing)
            return;
        if (!mayMigrate)
        {
            throw new StoreException("GRN3005", $"The schema of the database '{path}' is older than this build's: '{missing.Name}' is missing.",
                "Set Granary:Journal:MigrateAtStart to true for one start, or run 'granary db migrate'.");
        }

        Apply(connection, scripts);
        LogMigrated(path, scripts[^1].Name);
    }

    private void Apply(SqliteConnection connection, List<SqlScript> scripts)
    {
        var engine = DeployChanges.To.SqliteDatabase(new SharedConnection(connection))
            .WithScripts(scripts)
            .JournalToSqliteTable(Table)
            .WithTransactionPerScript()
            .WithVariablesDisabled()
            .LogTo(new UpgradeLog(_logger))
            .Build();
        var result = engine.PerformUpgrade();
        if (result.Successful)
            return;

        // What says nothing of the script (no room, read-only) is told as at any other time.
        if (result.Error is SqliteException { SqliteErrorCode: not SQLitePCL.raw.SQLITE_ERROR } e)
            throw SqliteErrors.Opening(path, e);
        throw new StoreException("GRN3008", $"The schema of the database '{path}' can't be brought up to date: '{result.ErrorScript?.Name}': {result.Error.Message}",
            "Nothing of that script was kept. Tables of your own whose names begin with 'granary_' are in its way: rename them.", result.Error);
    }

    private static List<string> Applied(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "select count(*) from sqlite_master where type = 'table' and name = $table";
        command.Parameters.AddWithValue("$table", Table);
        if ((long)command.ExecuteScalar()! == 0)
            return [];
        command.CommandText = $"select ScriptName from {Table} order by ScriptName";
        using var reader = command.ExecuteReader();
        var names = new List<string>();
        while (reader.Read())
            names.Add(reader.GetString(0));
        return names;
    }

    [LoggerMessage(3101, LogLevel.Information, "The schema of '{Path}' was brought up to {Script}.")]
    private partial void LogMigrated(string path, string script);
}
