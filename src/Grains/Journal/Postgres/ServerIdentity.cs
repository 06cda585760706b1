using Npgsql;

namespace Granary.Journal.Postgres;

/// <summary>Which server this is, and on which of its timelines: each promotion of a replica begins a new one.</summary>
internal readonly record struct ServerIdentity(long SystemId, string Timeline)
{
    public static ServerIdentity Read(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand(
            "select system_identifier, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) from pg_control_system()", connection);
        using var reader = command.ExecuteReader();
        reader.Read();
        return new ServerIdentity(reader.GetInt64(0), reader.GetString(1));
    }
}
