using Granary.Agents;

namespace Granary;

/// <summary>How a durable chat client makes steps of model and tool calls. Set when the client is built; not changed afterwards.</summary>
public class DurableChatOptions
{
    internal static readonly RetryOptions DefaultRetry = new(4);

    internal static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(10);

    /// <summary>The name of the model's steps, 1 to 128 characters. Default null: the agent's name, else <c>chat</c>. Replay compares it: keep it while runs are open.</summary>
    public string? Name { get; set; }

    /// <summary>
    /// When and how often a failed model call is tried again. Default: 4 attempts, 1 s, then twice as long each time. Where
    /// <see cref="RetryOptions.ShouldRetry"/> is not set, 408, 429, 5xx, time-outs and broken connections are tried again
    /// and nothing else; where <see cref="RetryOptions.RetryAfter"/> is not set, the delay that the provider asks for holds.
    /// </summary>
    public RetryOptions Retry { get; set; } = DefaultRetry;

    /// <summary>The limit of one attempt of a model call. Default 10 minutes; positive or <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>. Reasoning models do take minutes.</summary>
    public TimeSpan Timeout { get; set; } = DefaultTimeout;

    /// <summary>Configures a tool by its name at each use; it must do the same each time. Default null. Tools of an agent carry their own options and are not asked for here.</summary>
    public Action<string, ToolOptions>? ConfigureTool { get; set; }

    /// <summary>Runs in workflow context before each model call with the number of the call within its question, from 0.</summary>
    internal Func<WorkflowContext, int, Task>? BeforeModelCall { get; set; }
}
