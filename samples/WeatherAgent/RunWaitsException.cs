using Granary;

namespace WeatherAgent;

/// <summary>The run waits for another build; what it recorded as the reason is a whole message, code included.</summary>
internal sealed class RunWaitsException(RunInfo info)
    : Exception(info.Error?.Message ?? $"GRN1803: Run '{info.Id}' waits for a build that has its workflow.");
