using Microsoft.Extensions.Logging;

namespace Granary.Agents;

internal sealed partial class ModelChoice
{
    [LoggerMessage(4001, LogLevel.Information, "Agents use {Model}: {Why}.")]
    private static partial void LogChoice(ILogger logger, string model, string why);
}
