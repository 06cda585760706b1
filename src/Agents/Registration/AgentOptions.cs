using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>Settings of one agent. Set at start-up; not changed afterwards.</summary>
public class AgentOptions
{
    /// <summary>What the model is told before each question, as a system message. Default null: nothing.</summary>
    public string? Instructions { get; set; }

    /// <summary>What the agent is for, for people and other agents. Not sent to its own model.</summary>
    public string? Description { get; set; }

    /// <summary>The key of the <see cref="IChatClient"/> in the container. Default null: the one without a key, else the choice at start.</summary>
    public string? Model { get; set; }

    /// <summary>Temperature, limits, further tools and the like, sent with each question.</summary>
    public ChatOptions Chat { get; set; } = new();

    /// <summary>When and how often a failed model call is tried again. Default: what the chat client's <see cref="DurableChatOptions.Retry"/> says, hence 4 attempts, 1 s, then twice as long each time.</summary>
    public RetryOptions ModelRetry
    {
        get => OwnModelRetry ?? DurableChatOptions.DefaultRetry;
        set => OwnModelRetry = value;
    }

    /// <summary>The limit of one attempt of a model call; positive or <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>. Default: what the chat client's <see cref="DurableChatOptions.Timeout"/> says, hence 10 minutes.</summary>
    public TimeSpan ModelTimeout
    {
        get => OwnModelTimeout ?? DurableChatOptions.DefaultTimeout;
        set => OwnModelTimeout = value;
    }

    /// <summary>When and how often a failed tool call is tried again, where the tool says nothing of its own. Default: one attempt.</summary>
    public RetryOptions ToolRetry { get; set; } = RetryOptions.None;

    /// <summary>The limit of one attempt of a tool call, where the tool says nothing of its own. Default null: none.</summary>
    public TimeSpan? ToolTimeout { get; set; }

    /// <summary>What a tool's failure does after its last attempt. Default <see cref="ToolFailure.TellModel"/>; the fourth failing round in a row fails the question even so.</summary>
    public ToolFailure OnToolFailure { get; set; } = ToolFailure.TellModel;

    /// <summary>How many times the model may call tools for one question; then it is asked once more, without tools. Default 40; at least 1.</summary>
    public int MaxRounds { get; set; } = 40;

    /// <summary>
    /// The role of the silos that call the model (<see cref="GranaryOptions.Roles"/>), 1 to 128 characters; default null: where
    /// the run is. Those silos need the agent and its chat client; tools that aren't the agent's own are refused (<c>GRN2013</c>).
    /// While no silo has the role the run waits on <c>silo</c>. When the silo dies the call is made again on another one, with
    /// the same attempt number.
    /// </summary>
    public string? RunModelOn { get; set; }

    internal RetryOptions? OwnModelRetry { get; private set; }

    internal TimeSpan? OwnModelTimeout { get; private set; }

    /// <summary>Runs in workflow context before each model call with the number of the call within its question, from 0.</summary>
    internal Func<WorkflowContext, int, Task>? BeforeModelCall { get; set; }
}
