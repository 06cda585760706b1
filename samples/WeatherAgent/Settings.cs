namespace WeatherAgent;

/// <summary>What the command line asked for.</summary>
internal sealed record Settings
{
    public const string BuiltInQuestion = "What is the weather in Rome, Oslo and Lima?";

    public required string Question { get; init; }
    public string? Id { get; init; }
    public string? Data { get; init; }
    public string? Connection { get; init; }
    public bool Serve { get; init; }
    public string[] Roles { get; init; } = [];
    public int? Start { get; init; }
    public TimeSpan ToolDelay { get; init; }
    public string? Effects { get; init; }
    public bool Json { get; init; }
    public TimeSpan? Sleep { get; init; }
    public bool Approve { get; init; }
    public bool Verbose { get; init; }
}
