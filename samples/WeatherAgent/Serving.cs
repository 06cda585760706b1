using Granary.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace WeatherAgent;

/// <summary>A silo that stays until it is told to go.</summary>
internal static class Serving
{
    public static async Task<int> StayAsync(IServiceProvider services, Settings settings, CancellationToken cancellationToken)
    {
        new Printer(settings, Environment.ProcessId).Ready(services.GetRequiredService<SiloIncarnation>().Value);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);
        await Task.Delay(Timeout.Infinite, stop.Token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();

        // The silo itself had to stop: another server answers, or another process has the file.
        return ExitCode.Store;
    }
}
