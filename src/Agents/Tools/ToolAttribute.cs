namespace Granary;

/// <summary>Makes a method a tool of its class and says how it runs. Options given where the tool is added win.</summary>
/// <param name="name">What the model calls it; 1 to 128 characters. Default null: the method's name without <c>Async</c>.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ToolAttribute(string? name = null) : Attribute
{
    /// <summary>What the model calls it, or null.</summary>
    public string? Name { get; } = name;

    /// <summary>All tries of one call, the first included. Default 0: what the agent says.</summary>
    public int MaxAttempts { get; init; }

    /// <summary>The limit of one attempt in seconds. Default 0: what the agent says.</summary>
    public double TimeoutSeconds { get; init; }

    /// <summary>Whether a person must approve each call.</summary>
    public bool RequireApproval { get; init; }

    /// <summary>Where the tool's code runs. Default <see cref="ToolExecution.Step"/>.</summary>
    public ToolExecution Execution { get; init; }

    /// <summary>The options that this attribute stands for.</summary>
    internal void ApplyTo(ToolOptions options)
    {
        if (MaxAttempts > 0)
            options.Retry = new(MaxAttempts);
        if (TimeoutSeconds > 0)
            options.Timeout = TimeSpan.FromSeconds(TimeoutSeconds);
        if (RequireApproval)
            options.Approval = new();
        options.Execution = Execution;
    }
}
