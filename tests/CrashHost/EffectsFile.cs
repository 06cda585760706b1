using System.Text;
using WeatherAgent;

namespace Granary.CrashHost;

/// <summary>What bodies really did, written outside of the product and flushed to disk at once.</summary>
internal sealed class EffectsFile(string path)
{
    public void Write(StepContext step, string what)
    {
        var line = Encoding.UTF8.GetBytes($"{step.IdempotencyKey} {step.Attempt} {Environment.ProcessId} {what}\n");
        AppendedFile.Append(path, line);
    }
}
