using Microsoft.Extensions.Logging;

namespace Granary.Agents;

internal sealed partial class ModelAnnouncement
{
    [LoggerMessage(4002, LogLevel.Warning, "Agents without a model of their own will fail: {Reason}")]
    private static partial void LogNone(ILogger logger, string reason);
}
