using Npgsql;

namespace Granary.Shared;

/// <summary>Pools of connections to a database that may have several hosts.</summary>
internal static class PostgresPools
{
    /// <summary>Of several hosts the primary is meant, where the string says nothing else: a replica takes no writes, and lags.</summary>
    public static void MeanPrimary(NpgsqlConnectionStringBuilder settings)
    {
        if (HasHosts(settings))
            settings.TargetSessionAttributes ??= "primary";
    }

    /// <summary>A pool whose connections keep what is set on them when they are opened.</summary>
    /// <param name="settings">Where, who and how many.</param>
    /// <param name="searchPath">A schema to look in first; set by a statement, because poolers refuse it as a parameter of the start.</param>
    public static NpgsqlDataSource Create(NpgsqlConnectionStringBuilder settings, string? searchPath)
    {
        // For a pool over several hosts it is no part of the string.
        var target = settings.TargetSessionAttributes;
        settings.TargetSessionAttributes = HasHosts(settings) ? null : target;
        settings.NoResetOnClose = true;
        var builder = new NpgsqlDataSourceBuilder(settings.ToString());
        if (searchPath is not null)
            builder.UsePhysicalConnectionInitializer(Set, SetAsync);
        return HasHosts(settings) ? builder.BuildMultiHost().WithTargetSession(Parse(target!)) : builder.Build();

        void Set(NpgsqlConnection connection)
        {
            using var command = Setting(connection, searchPath);
            command.ExecuteNonQuery();
        }

        async Task SetAsync(NpgsqlConnection connection)
        {
            await using var command = Setting(connection, searchPath);
            await command.ExecuteNonQueryAsync().ConfigureAwait(false);
        }
    }

    private static NpgsqlCommand Setting(NpgsqlConnection connection, string searchPath) => new("select set_config('search_path', $1, false)", connection)
    {
        Parameters = { new NpgsqlParameter<string> { TypedValue = searchPath } },
    };

    private static bool HasHosts(NpgsqlConnectionStringBuilder settings) => settings.Host?.Contains(',', StringComparison.Ordinal) == true;

    /// <summary>As in the string: <c>prefer-standby</c>.</summary>
    private static TargetSessionAttributes Parse(string target) =>
        Enum.Parse<TargetSessionAttributes>(target.Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
}
