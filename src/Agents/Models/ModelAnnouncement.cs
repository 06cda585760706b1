using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Agents;

/// <summary>Chooses the model at start and says which, when an agent needs the choice.</summary>
internal sealed partial class ModelAnnouncement(
    AgentRegistry agents, ModelChoice choice, IServiceProvider services, IServiceProviderIsService registered, ILogger<ModelAnnouncement> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!agents.All.Any(a => a.ModelFactory is null && agents.OptionsOf(a).Model is null))
            return;
        if (registered.IsService(typeof(IChatClient)))
        {
            choice.AnnounceRegistered();
            if (services.GetService<IChatClient>()?.GetService(typeof(DurableFunctionInvokingChatClient)) is null)
                LogNotDurable(logger);
            return;
        }

        try
        {
            await choice.ChooseAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is GranaryUsageException or ArgumentException)
        {
            // Runs that need no agent are served all the same.
            LogNone(logger, e.Message);
        }
    }

    [LoggerMessage(4004, LogLevel.Warning, "The registered IChatClient isn't durable: agents record what they ask it, but workflow code that calls it directly doesn't. Add .UseDurable() where it is registered.")]
    private static partial void LogNotDurable(ILogger logger);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
