namespace Granary.Keepers;

/// <summary>How keepers work; fixed per store.</summary>
/// <param name="Shards">How many keepers share the runs: a power of two. The same in every silo of a cluster.</param>
/// <param name="IsAlone">Whether this process is the only one: whoever else stands in the database is gone.</param>
internal sealed record KeeperOptions(int Shards, bool IsAlone)
{
    /// <summary>One process over a file, whose lock proves that it is alone.</summary>
    public static KeeperOptions OfOne { get; } = new(Shards: 1, IsAlone: true);

    /// <summary>Many silos over a database.</summary>
    public static KeeperOptions OfCluster { get; } = new(Shards: 16, IsAlone: false);

    /// <summary>How often the next due runs are read anew.</summary>
    public static TimeSpan ReadEvery { get; } = TimeSpan.FromSeconds(30);

    /// <summary>How far ahead they are read.</summary>
    public static TimeSpan Horizon { get; } = TimeSpan.FromSeconds(60);

    /// <summary>How often owners are compared with the members, whatever was heard.</summary>
    public static TimeSpan SweepEvery { get; } = TimeSpan.FromSeconds(60);

    /// <summary>How soon it is done again when something of it failed.</summary>
    public static TimeSpan SweepAgain { get; } = TimeSpan.FromSeconds(3);

    /// <summary>How often a silo looks for runs that wait for a workflow which it has.</summary>
    public static TimeSpan LookEvery { get; } = TimeSpan.FromSeconds(5);

    /// <summary>The most that a keeper holds in memory.</summary>
    public const int MaxHeld = 1_000;

    /// <summary>How many runs a keeper hands out at a time.</summary>
    public const int Concurrency = 64;
}
