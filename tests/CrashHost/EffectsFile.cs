using System.Text;

namespace Granary.CrashHost;

/// <summary>What bodies really did, written outside of the product and flushed to disk at once.</summary>
internal sealed class EffectsFile(string path)
{
    private readonly Lock _gate = new();

    public void Write(StepContext step, string what)
    {
        var line = Encoding.UTF8.GetBytes($"{step.IdempotencyKey} {step.Attempt} {Environment.ProcessId} {what}\n");
        lock (_gate)
        {
            using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
            file.Write(line);
            file.Flush(flushToDisk: true);
        }
    }
}
