namespace Granary.Tests.Hosting;

/// <summary>Holds step bodies until it is opened; a body whose process stops is let go by its token.</summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _passes;

    /// <summary>Completes when the first body stands before it.</summary>
    public Task Reached => _reached.Task;

    /// <summary>How many bodies came to it.</summary>
    public int Passes => _passes;

    public void Open() => _open.TrySetResult();

    /// <summary>A step's body.</summary>
    public Task PassAsync(StepContext step)
    {
        Interlocked.Increment(ref _passes);
        _reached.TrySetResult();
        return _open.Task.WaitAsync(step.CancellationToken);
    }
}
