using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Granary;

/// <summary>Settings of a process that hosts Granary; section <c>Granary</c> of the configuration.</summary>
public class GranaryOptions
{
    /// <summary>The connection string's name. Default <c>granary</c> (<c>ConnectionStrings__granary</c>).</summary>
    public string ConnectionName { get; set; } = "granary";

    /// <summary>
    /// The connection string itself, instead of one by name. With a <c>Host</c> it is one of Postgres, which many silos share as
    /// a cluster; with a <c>Data Source</c> it is a SQLite file. Default: none.
    /// </summary>
    public string? ConnectionString { get; set; }

    /// <summary>The SQLite file, where no connection string is given. Default: <c>granary.db</c> in the content root.</summary>
    public string? DataPath { get; set; }

    /// <summary>The build's version, stamped on its runs. Default: the entry assembly's informational version.</summary>
    public string? ApplicationVersion { get; set; }

    /// <summary>
    /// What this silo is for, besides executing runs: tools and model calls that ask for a role run on silos that have it.
    /// Compared ordinally, 1 to 128 characters each; a list, <c>Granary:Roles:0</c>. Read at start. Default: none.
    /// </summary>
    public string[] Roles { get; set; } = [];

    /// <summary>Whether a step whose input differs from the recorded one stops the run. Default: false, a warning.</summary>
    public bool StrictReplay { get; set; }

    /// <summary>
    /// How long a run may wait in memory: one that waits longer is parked, its activation goes and it costs one row. Default
    /// 30 s, from 1 s to a day. A wait that is known to end later than this parks at once. Lower it to save memory, raise it to save the claim at waking.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan ParkAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How many owners of a run may die without a step being recorded in between, before it is poisoned. Default 100; null: any number.</summary>
    [Range(1, int.MaxValue)]
    public int? MaxRecoveries { get; set; } = 100;

    /// <summary>
    /// In a cluster: whether a silent silo is declared dead after about 2 s instead of about 6. Default false: a small or busy
    /// machine may be silent for a moment and live. A silo that was declared dead ends its process. The same in all silos; no effect on SQLite.
    /// </summary>
    public bool FastFailover { get; set; }

    /// <summary>Retries of steps that say nothing of their own. Default: none. Model calls have their own default.</summary>
    public RetryOptions Retry { get; set; } = RetryOptions.None;

    /// <summary>How the application's values are written and read. Its <see cref="JsonSerializerOptions"/> are made read-only at start.</summary>
    public JsonSerializerOptions Json { get; set; } = Engine.GranaryJson.Create();

    /// <summary>Limits of stored values.</summary>
    [ValidateObjectMembers]
    public PayloadOptions Payloads { get; } = new();

    /// <summary>The journal.</summary>
    [ValidateObjectMembers]
    public JournalOptions Journal { get; } = new();
}

/// <summary>Limits of stored values.</summary>
public class PayloadOptions
{
    /// <summary>The largest value, as JSON, in bytes. Default 16 MiB. A larger one is refused (<c>GRN1601</c>).</summary>
    [Range(1024, 1 << 30)]
    public int MaxBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>Values above this many bytes are compressed. Default 16 KiB. Lower it to save space, raise it to keep values readable by SQL.</summary>
    [Range(0, int.MaxValue)]
    public int CompressAboveBytes { get; set; } = 16 * 1024;
}

/// <summary>The journal.</summary>
public class JournalOptions
{
    /// <summary>How many bytes may wait for a commit; more have their steps wait. Default 64 MiB.</summary>
    [Range(1 << 20, 1 << 30)]
    public int MaxQueuedBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Whether the schema is brought up to date at start. Default true; false refuses to start on an older one.</summary>
    public bool MigrateAtStart { get; set; } = true;

    /// <summary>
    /// The schema of the tables on Postgres: small letters, digits and underscores. Default <c>granary</c>. Applications that share
    /// a database each need one of their own; SQLite has none.
    /// </summary>
    [RegularExpression("[a-z_][a-z0-9_]{0,62}")]
    public string Schema { get; set; } = "granary";
}

/// <summary>Settings of one workflow.</summary>
public class WorkflowOptions
{
    /// <summary>Instead of <see cref="GranaryOptions.MaxRecoveries"/>.</summary>
    [Range(1, int.MaxValue)]
    public int? MaxRecoveries { get; set; }

    /// <summary>Instead of <see cref="GranaryOptions.Retry"/>.</summary>
    public RetryOptions? Retry { get; set; }

    /// <summary>How long a run may take whose start says nothing else; positive. Default null: no limit.</summary>
    public TimeSpan? Timeout { get; set; }
}
