using Granary.Agents;
using Microsoft.Extensions.AI;

namespace Granary;

/// <summary>
/// An agent by its name, for questions that stand alone. Inside a run a question is a branch of that run; from a client
/// it is a run of its own. Holds no connection, may be kept and shared.
/// </summary>
/// <remarks>The protected constructor and the virtual verbs are for fakes in tests.</remarks>
public class AgentHandle
{
    /// <summary>For fakes.</summary>
    /// <param name="name">The agent's name.</param>
    protected AgentHandle(string name) => Name = name;

    /// <summary>The agent's name.</summary>
    public string Name { get; }

    /// <summary>Asks a question and waits for the answer.</summary>
    /// <param name="message">The question; a blank one is refused with <c>GRN2005</c>.</param>
    /// <param name="options">The idempotency key and more.</param>
    /// <param name="cancellationToken">From a client: cancels the waiting, never the run. Inside a run: ends the question before its next model call.</param>
    /// <exception cref="GranaryUsageException"><c>GRN2001</c>: there is no such agent.</exception>
    /// <exception cref="StepFailedException">Inside a run: the model failed for good, or a tool did and the agent says that this fails the run.</exception>
    /// <exception cref="RunFailedException">From a client: the same.</exception>
    /// <remarks>If the process dies, the question goes on elsewhere: recorded model and tool calls are not made again. To wait for it from another process, ask again with the same <see cref="AskOptions.IdempotencyKey"/>.</remarks>
    public Task<AgentReply> AskAsync(string message, AskOptions? options = null, CancellationToken cancellationToken = default) =>
        AskAsync([Question(message)], options, cancellationToken);

    /// <summary>Asks with messages of the caller's, for example a conversation so far.</summary>
    /// <param name="messages">At least one; a list whose last message has no content is refused with <c>GRN2005</c>.</param>
    /// <param name="options">The idempotency key and more.</param>
    /// <param name="cancellationToken">See <see cref="AskAsync(string, AskOptions?, CancellationToken)"/>.</param>
    public virtual Task<AgentReply> AskAsync(IEnumerable<ChatMessage> messages, AskOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("This fake doesn't implement the verb.");

    /// <summary>Asks for a value: the model gets the type's JSON schema, and its answer is read as that type.</summary>
    /// <typeparam name="T">The type; System.Text.Json must be able to read it.</typeparam>
    /// <param name="message">The question; a blank one is refused with <c>GRN2005</c>.</param>
    /// <param name="options">The idempotency key and more.</param>
    /// <param name="cancellationToken">See <see cref="AskAsync(string, AskOptions?, CancellationToken)"/>.</param>
    /// <exception cref="GranaryException"><c>GRN2009</c>: the answer is no such value; not every model keeps to a schema.</exception>
    public async Task<AgentReply<T>> AskAsync<T>(string message, AskOptions? options = null, CancellationToken cancellationToken = default)
    {
        var shape = AnswerShape<T>.Instance;
        var reply = await AskAsync([Question(message)], shape.ApplyTo(options), cancellationToken).ConfigureAwait(true);
        return new(reply.Agent, reply.Text, reply.Messages, reply.Usage, shape.Read(reply));
    }

    private static ChatMessage Question(string message) => new(ChatRole.User, Questions.Check(message));
}
