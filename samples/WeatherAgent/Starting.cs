using Granary;
using Microsoft.Extensions.DependencyInjection;

namespace WeatherAgent;

/// <summary>Starts runs in a cluster from outside and prints their answers as they come.</summary>
internal static class Starting
{
    private const int Concurrency = 64;

    public static async Task<int> StartAsync(IServiceProvider services, int count, Settings settings, CancellationToken cancellationToken)
    {
        // By its name: a client needs nothing of the silos' code.
        var workflow = services.GetRequiredService<IGranaryClient>().Workflow<string, string>("weather");
        var printer = new Printer(settings, Environment.ProcessId);
        var code = ExitCode.Ok;
        var gate = new Lock();
        using var starts = new SemaphoreSlim(Concurrency);
        await Task.WhenAll(Enumerable.Range(1, count).Select(async number =>
        {
            var id = settings.Id is null ? new RunId(Guid.CreateVersion7().ToString()) : new RunId($"{settings.Id}-{number}");
            try
            {
                await starts.WaitAsync(cancellationToken).ConfigureAwait(false);
                RunHandle<string> run;
                try
                {
                    run = await workflow.StartAsync(settings.Question, new() { Id = id }, cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    starts.Release();
                }

                var answer = await run.ResultAsync(cancellationToken).ConfigureAwait(false);
                lock (gate)
                    printer.Answer(id, answer);
            }
            catch (GranaryException e)
            {
                lock (gate)
                    code = Math.Max(code, Session.Report(e, settings));
            }
        })).ConfigureAwait(false);
        return code;
    }
}
