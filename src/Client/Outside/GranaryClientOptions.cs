using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace Granary;

/// <summary>Settings of a process that talks to a cluster without being one of its silos; section <c>Granary</c> of the configuration.</summary>
public class GranaryClientOptions
{
    /// <summary>The connection string's name. Default <c>granary</c> (<c>ConnectionStrings__granary</c>).</summary>
    public string ConnectionName { get; set; } = "granary";

    /// <summary>The connection string itself, instead of one by name; of Postgres (<c>Host=…</c>), else <c>GRN1804</c>. Default: none.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>The schema of the cluster's tables. Read from <c>Granary:Journal:Schema</c>, as the silos do. Default <c>granary</c>.</summary>
    [RegularExpression("[a-z_][a-z0-9_]{0,62}")]
    public string Schema { get; set; } = "granary";

    /// <summary>
    /// How long the start of this process waits for the cluster, and how long a call that a silo's death cut off is made
    /// again before it fails as transient (<c>GRN9001</c>). Default 30 s, from 1 s to an hour.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The largest input, as JSON, in bytes. Read from <c>Granary:Payloads:MaxBytes</c>, as the silos do. Default 16 MiB. A larger one is refused (<c>GRN1601</c>).</summary>
    [Range(1024, 1 << 30)]
    public int MaxPayloadBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>How the application's values are written and read: as the silos do. Made read-only at start.</summary>
    public JsonSerializerOptions Json { get; set; } = Engine.GranaryJson.Create();
}
