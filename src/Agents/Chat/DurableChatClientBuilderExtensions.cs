using Granary;
using Granary.Agents;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.AI;

/// <summary>Makes a chat client durable.</summary>
public static class DurableChatClientBuilderExtensions
{
    /// <summary>
    /// Adds the tool loop of a durable client: inside a run each model call and each tool call is a step, recorded once and
    /// answered from its record on replay. Outside of runs and inside step bodies it is an ordinary function-invoking client.
    /// </summary>
    /// <param name="builder">The builder. Add nothing that invokes functions below: it is refused with <c>GRN2002</c> when the client is built.</param>
    /// <param name="configure">Changes the options.</param>
    /// <returns>The builder.</returns>
    /// <remarks>
    /// <para>What is added after this (telemetry, caching) runs inside the step, hence not on replay.</para>
    /// <para>The calls of one reply run at the same time; their results are joined in the order of the reply. If the process
    /// dies, recorded calls are never made again, and one that was cut off is made again under the same idempotency key.</para>
    /// <para>Inside a run the streaming call yields a reply when it is complete: a stream is recorded as one outcome.</para>
    /// <para>The client is as thread-safe as the client below it.</para>
    /// </remarks>
    public static ChatClientBuilder UseDurable(this ChatClientBuilder builder, Action<DurableChatOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = new DurableChatOptions();
        configure?.Invoke(options);
        return builder.Use((inner, services) =>
        {
            if (inner.GetService(typeof(FunctionInvokingChatClient)) is not null)
            {
                throw new GranaryUsageException("GRN2002",
                    "UseDurable() stands above a client that invokes functions itself: its tool calls would not be recorded.",
                    "Leave UseFunctionInvocation() out, UseDurable() does its work; or write it before UseDurable().");
            }

            return new DurableFunctionInvokingChatClient(new DurableChatClient(inner), options, services.GetService<ILoggerFactory>(), services);
        });
    }
}
