using Microsoft.Extensions.Hosting;

namespace WeatherAgent;

/// <summary>Leaves signals to the session, which knows what to exit with; the host's own handlers would race with it.</summary>
internal sealed class QuietLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
