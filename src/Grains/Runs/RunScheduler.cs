namespace Granary.Runs;

/// <summary>
/// Runs a run's code one piece at a time, inside turns of its grain. Because the engine decides when it drains, it knows
/// when the code has come to rest: outcomes are handed out one by one, each after the code has used up the one before,
/// live exactly as on replay.
/// </summary>
/// <param name="wake">Called, from any thread, when there is something to drain.</param>
internal sealed class RunScheduler(Action wake) : TaskScheduler
{
    [ThreadStatic]
    private static RunScheduler? _draining;

    private readonly Lock _gate = new();
    private readonly Queue<Task> _tasks = new();

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Whether the caller is a piece of this run's code, on its scheduler.</summary>
    public bool IsCurrent => _draining == this;

    /// <summary>Runs everything that is queued, and what that queues. Only the pump calls this. Returns how much ran.</summary>
    public int Drain()
    {
        var outer = _draining;
        _draining = this;
        var count = 0;
        try
        {
            while (true)
            {
                Task? task;
                lock (_gate)
                {
                    if (!_tasks.TryDequeue(out task))
                        return count;
                }

                TryExecuteTask(task);
                count++;
            }
        }
        finally
        {
            _draining = outer;
        }
    }

    protected override void QueueTask(Task task)
    {
        lock (_gate)
            _tasks.Enqueue(task);
        if (!IsCurrent)
            wake();
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        IsCurrent && !taskWasPreviouslyQueued && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_gate)
            return _tasks.ToArray();
    }
}
