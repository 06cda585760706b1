using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Granary.Bench;

/// <summary>A silo in a process of its own, from outside.</summary>
internal sealed class SiloProcess : IDisposable
{
    private readonly Process _process;

    private SiloProcess(Process process) => _process = process;

    /// <summary>Starts one; returns when it is ready.</summary>
    /// <param name="address">Its store.</param>
    /// <param name="progress">Where its workflows tell what they reached.</param>
    /// <param name="parkAfter">Seconds; 0 for the default.</param>
    public static async Task<SiloProcess> StartAsync(StoreAddress address, Progress progress, double parkAfter = 0)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (System.IO.Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(SiloProcess).Assembly.Location);
        foreach (var argument in (string[])[Serving.Verb, JsonSerializer.Serialize(address), progress.Path, parkAfter.ToString(CultureInfo.InvariantCulture)])
            start.ArgumentList.Add(argument);
        var silo = new SiloProcess(Process.Start(start)!);
        await silo.AnswerAsync();
        return silo;
    }

    /// <summary>Starts runs; returns when all starts are committed.</summary>
    public Task StartRunsAsync(string workflow, int argument, int count) => AskAsync($"start {workflow} {argument} {count}");

    /// <summary>Bytes resident after a full collection.</summary>
    public async Task<long> MemoryAsync() => long.Parse(await AskAsync("memory"), CultureInfo.InvariantCulture);

    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Ends it in good order.</summary>
    public async Task StopAsync()
    {
        await _process.StandardInput.WriteLineAsync("stop");
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private async Task<string> AskAsync(string command)
    {
        await _process.StandardInput.WriteLineAsync(command);
        return await AnswerAsync();
    }

    private async Task<string> AnswerAsync() =>
        await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"The silo's process ended with {_process.ExitCode}.");
}
