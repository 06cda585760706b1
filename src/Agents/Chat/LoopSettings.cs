using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>How one question is worked on: the client's own options, or those of the agent that asks.</summary>
internal sealed record LoopSettings
{
    public required ModelCallOptions Model { get; init; }

    /// <summary>The agent that asks; null where the client is called without one.</summary>
    public string? Agent { get; init; }

    public required int MaxRounds { get; init; }

    public ToolFailure OnToolFailure { get; init; }

    public RetryOptions? ToolRetry { get; init; }

    public TimeSpan? ToolTimeout { get; init; }

    public Action<string, ToolOptions>? ConfigureTool { get; init; }

    public Func<WorkflowContext, int, Task>? BeforeModelCall { get; init; }

    public static LoopSettings For(DurableChatOptions client, ChatOptions? request, int maximumIterations)
    {
        var question = (request as AgentChatOptions)?.Question;
        var agent = question?.Options;
        return new()
        {
            Agent = question?.Agent,
            Model = new(
                client.Name ?? question?.Agent ?? "chat",
                agent?.OwnModelRetry ?? client.Retry,
                agent?.OwnModelTimeout ?? client.Timeout)
            {
                Remote = question is not null && agent!.RunModelOn is { } role ? new(question.Agent, role, question.Model) : null,
            },
            MaxRounds = agent?.MaxRounds ?? maximumIterations,
            OnToolFailure = agent?.OnToolFailure ?? ToolFailure.TellModel,
            ToolRetry = agent?.ToolRetry,
            ToolTimeout = agent?.ToolTimeout,
            ConfigureTool = client.ConfigureTool,
            BeforeModelCall = agent?.BeforeModelCall ?? client.BeforeModelCall,
        };
    }

    public StepOptions StepOptionsOf(ToolOptions tool)
    {
        var retry = tool.Retry ?? ToolRetry;
        var shouldRetry = retry?.ShouldRetry;
        return new()
        {
            Retry = retry is null ? null : retry with { ShouldRetry = e => e is not (ToolArgumentsException or TerminalException) && !(e is ActivityFailedException remote && remote.Is<ToolArgumentsException>()) && (shouldRetry?.Invoke(e) ?? true) },
            Timeout = (tool.Timeout ?? ToolTimeout) is { } timeout && timeout != Timeout.InfiniteTimeSpan ? timeout : null,
        };
    }
}

/// <summary>The options of a request that an agent makes: how to work on it travels through whatever stands above the loop.</summary>
internal sealed class AgentChatOptions : ChatOptions
{
    public AgentChatOptions(ChatOptions options, AgentQuestion question)
        : base(options) => Question = question;

    public AgentQuestion Question { get; }

    public override ChatOptions Clone() => new AgentChatOptions(this, Question);
}

/// <summary>A question to an agent while it is worked on.</summary>
internal sealed class AgentQuestion(string agent, AgentOptions options, string? model)
{
    /// <summary>The key of the chat client that is asked.</summary>
    public string? Model { get; } = model;

    public string Agent { get; } = agent;

    public AgentOptions Options { get; } = options;

    /// <summary>How often the model was asked, replayed calls included.</summary>
    public int ModelCalls { get; set; }
}
