using Npgsql;

namespace Granary.Journal.Postgres;

/// <summary>What is looked at before a server is used.</summary>
internal static class PostgresChecks
{
    private const int OldestVersion = 15;

    /// <exception cref="StoreException">
    /// <c>GRN3009</c> an old server, <c>GRN3013</c> one that acknowledges what it hasn't written, <c>GRN3003</c> a replica.
    /// </exception>
    public static void Server(NpgsqlConnection connection, string where)
    {
        if (connection.PostgreSqlVersion.Major < OldestVersion)
        {
            throw new StoreException("GRN3009", $"The {where} is of version {connection.PostgreSqlVersion}; Granary needs {OldestVersion} or newer.",
                "Upgrade the server.");
        }

        using var command = new NpgsqlCommand("select current_setting('synchronous_commit'), pg_is_in_recovery(), current_setting('server_encoding')", connection);
        using var reader = command.ExecuteReader();
        reader.Read();
        if (reader.GetString(0) == "off")
        {
            throw new StoreException("GRN3013", $"The {where} acknowledges commits before they are on the disk (synchronous_commit = off).",
                "Set synchronous_commit to on, at the server, for the database or for the user.");
        }

        if (reader.GetBoolean(1))
            throw PostgresErrors.MissingRights(where, "it is a replica, which takes no writes. Connect to the primary.");
        if (reader.GetString(2) != "UTF8")
            throw new StoreException("GRN3013", $"The {where} has the encoding {reader.GetString(2)}; Granary needs UTF8.", "Make a database with encoding 'UTF8'.");
    }

    /// <summary>
    /// Two open connections never share a server process, and none of them changes it, unless a pooler hands out another
    /// for each transaction. The order finds one that gives the last one used, and one that takes them in turn.
    /// </summary>
    /// <exception cref="StoreException"><c>GRN3012</c></exception>
    public static void NoPooler(NpgsqlConnection first, NpgsqlConnection second, string where)
    {
        var a = ProcessOf(first);
        var b = ProcessOf(second);
        if (a == b || a != ProcessOf(first) || a != ProcessOf(first) || b != ProcessOf(second))
            throw PostgresErrors.Pooled(where);
    }

    /// <exception cref="StoreException"><c>GRN3003</c></exception>
    public static void Rights(NpgsqlConnection connection, string schema, string where)
    {
        using var command = new NpgsqlCommand(
            """
            select string_agg(format('%s on %s', need.privilege, need.tab), ', ')
            from (values ('runs', 'select'), ('runs', 'insert'), ('runs', 'update'), ('journal', 'select'), ('journal', 'insert'),
              ('signals', 'select'), ('signals', 'insert'), ('events', 'select'), ('events', 'insert'),
              ('approvals', 'select'), ('approvals', 'insert'), ('approvals', 'update')) as need(tab, privilege)
            where not has_table_privilege(format('%I.%I', $1, need.tab), need.privilege)
            """,
            connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = schema } },
        };
        if (command.ExecuteScalar() is string missing)
            throw PostgresErrors.MissingRights(where, $"it lacks {missing}.");
    }

    private static int ProcessOf(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand("select pg_backend_pid()", connection);
        return (int)command.ExecuteScalar()!;
    }
}
