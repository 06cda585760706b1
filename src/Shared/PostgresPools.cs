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

    /// <summary>A pool.</summary>
    /// <param name="settings">Where, who and how many.</param>
    /// <param name="searchPath">A schema to look in first.</param>
    public static NpgsqlDataSource Create(NpgsqlConnectionStringBuilder settings, string? searchPath)
    {
        // For a pool over several hosts it is no part of the string.
        var target = settings.TargetSessionAttributes;
        settings.TargetSessionAttributes = HasHosts(settings) ? null : target;
        settings.NoResetOnClose = true;
        if (searchPath is not null)
            settings.SearchPath = searchPath;
        var builder = new NpgsqlDataSourceBuilder(settings.ToString());
        return HasHosts(settings) ? builder.BuildMultiHost().WithTargetSession(Parse(target!)) : builder.Build();
    }

    private static bool HasHosts(NpgsqlConnectionStringBuilder settings) => settings.Host?.Contains(',', StringComparison.Ordinal) == true;

    /// <summary>As in the string: <c>prefer-standby</c>.</summary>
    private static TargetSessionAttributes Parse(string target) =>
        Enum.Parse<TargetSessionAttributes>(target.Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
}
