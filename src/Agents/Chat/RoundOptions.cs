using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>How a request's options change from round to round.</summary>
internal static class RoundOptions
{
    /// <summary>For the round after a reply: a tool that had to be called was called, and a history that the provider keeps is named.</summary>
    public static ChatOptions? Next(ChatOptions? options, string? conversationId)
    {
        if (options is null)
            return conversationId is null ? null : new() { ConversationId = conversationId };
        if (options.ToolMode is not RequiredChatToolMode && options.ConversationId == conversationId && options.ContinuationToken is null)
            return options;
        var next = options.Clone();
        if (next.ToolMode is RequiredChatToolMode)
            next.ToolMode = null;
        next.ConversationId = conversationId;
        next.ContinuationToken = null;
        return next;
    }

    /// <summary>For the last round: without functions, so that the model answers instead of calling.</summary>
    public static ChatOptions? Last(ChatOptions? options)
    {
        if (options?.Tools is not { Count: > 0 } tools || !tools.Any(t => t is AIFunctionDeclaration))
            return options;
        var last = options.Clone();
        last.Tools = tools.Where(t => t is not AIFunctionDeclaration).ToList() is { Count: > 0 } others ? others : null;
        if (last.Tools is null)
            last.ToolMode = null;
        return last;
    }
}
