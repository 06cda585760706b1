using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Granary.Journal;

/// <summary>
/// Commits the appends of all runs of a silo together: whatever is queued when the last commit ends goes in the next.
/// One dedicated thread, one writer connection. Numbers are given when a batch is built, so that a refused append leaves
/// no gap.
/// </summary>
internal sealed partial class JournalWriter : IAsyncDisposable
{
    private const int MaxRows = 2_000;
    private const int MaxBytes = 16 * 1024 * 1024;

    private readonly IJournalStore _store;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly TimeProvider _time;
    private readonly StoreHealth _health;
    private readonly ILogger<JournalWriter> _logger;
    private readonly long _maxQueuedBytes;
    private readonly Lock _gate = new();
    private readonly Queue<Append> _queue = new();
    private readonly Queue<Append> _urgent = new();
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private readonly SemaphoreSlim _work = new(0);
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _abandon = new();
    private long _queuedBytes;
    private bool _isSignalled;
    private bool _isStopping;
    private Thread? _thread;

    public JournalWriter(IJournalStore store, [FromKeyedServices(StoreClock.Key)] TimeProvider time, StoreHealth health, IOptions<GranaryOptions> options, IHostApplicationLifetime lifetime, ILogger<JournalWriter> logger)
    {
        _store = store;
        _lifetime = lifetime;
        _time = time;
        _health = health;
        _logger = logger;
        _maxQueuedBytes = options.Value.Journal.MaxQueuedBytes;
    }

    public void Start()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "Granary journal writer" };
        _thread.Start();
    }

    /// <summary>Completes when there is room for more bytes. Ask before queueing anything that isn't urgent.</summary>
    public ValueTask RoomAsync()
    {
        lock (_gate)
        {
            if (_queuedBytes < _maxQueuedBytes)
                return ValueTask.CompletedTask;
            var room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(room);
            return new ValueTask(room.Task);
        }
    }

    /// <summary>Queues an append. Appends of one journal are committed in the order of these calls.</summary>
    public void Enqueue(Append append)
    {
        lock (_gate)
        {
            if (!_isStopping)
            {
                (append.IsUrgent ? _urgent : _queue).Enqueue(append);
                _queuedBytes += append.Bytes;

                // Under the lock: after it the writer may have ended, and its semaphore be gone.
                if (!_isSignalled)
                    _work.Release();
                _isSignalled = true;
                return;
            }
        }

        append.Done(append, new UnitOutcome(UnitResult.Fenced, new ObjectDisposedException(nameof(JournalWriter))));
    }

    /// <summary>Queues an append and completes with what became of it.</summary>
    public Task<UnitOutcome> AppendAsync(RunJournal journal, IReadOnlyList<JournalRow> rows, RunChange? change, RunRow? newRun = null, IReadOnlyList<SideRow>? sides = null)
    {
        var done = new TaskCompletionSource<UnitOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        Enqueue(new Append
        {
            Journal = journal,
            Rows = rows,
            Change = change,
            NewRun = newRun,
            Sides = sides ?? [],
            IsUrgent = newRun is null,
            Done = (_, outcome) => done.TrySetResult(outcome),
        });
        return done.Task;
    }

    /// <summary>Commits what is queued, within a bound, and ends the thread.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isStopping)
                return;
            _isStopping = true;
        }

        _work.Release();
        if (_thread is null)
            return;
        _abandon.CancelAfter(TimeSpan.FromSeconds(10));
        await _stopped.Task.ConfigureAwait(false);
        _abandon.Dispose();
        _work.Dispose();
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                _work.Wait();
                List<Append> batch;
                while ((batch = TakeBatch()).Count > 0)
                    Commit(batch);
                lock (_gate)
                {
                    if (_isStopping && _queue.Count == 0 && _urgent.Count == 0)
                        return;
                }
            }
        }
        catch (Exception e)
        {
            LogWriterDied(e);
            Environment.FailFast("GRN9901: Granary's journal writer failed. Runs can't be recorded any more, so the process ends; please report this.", e);
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    private List<Append> TakeBatch()
    {
        var batch = new List<Append>();
        var rows = 0;
        var bytes = 0L;
        lock (_gate)
        {
            while ((_urgent.TryPeek(out var next) || _queue.TryPeek(out next)) && rows < MaxRows && (bytes == 0 || bytes + next.Bytes <= MaxBytes))
            {
                (next.IsUrgent ? _urgent : _queue).Dequeue();
                batch.Add(next);
                rows += next.Rows.Count;
                bytes += next.Bytes;
            }

            _queuedBytes -= bytes;
            while (_queuedBytes < _maxQueuedBytes && _waiting.TryDequeue(out var room))
                room.TrySetResult();
            if (batch.Count == 0)
                _isSignalled = false;
        }

        return batch;
    }

    private void Commit(List<Append> appends)
    {
        var units = JournalBatch.Build(appends, _time.GetUtcNow());
        if (units.Count == 0)
            return;
        if (CrashPoint.AcknowledgesBeforeCommit)
        {
            units.ForEach(u => u.Finish(new UnitOutcome(UnitResult.Committed)));
            _abandon.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(100));
            TryWrite(units);
            return;
        }

        if (TryWrite(units) is not { } outcomes)
        {
            foreach (var unit in units)
                unit.Finish(new UnitOutcome(UnitResult.Fenced, new TimeoutException("The process stopped while the store was away.")));
            return;
        }

        for (var i = 0; i < units.Count; i++)
        {
            if (outcomes[i].Result == UnitResult.Rejected && units[i].Appends.Count > 1)
                CommitOneByOne(units[i]);
            else
                units[i].Finish(outcomes[i]);
        }
    }

    /// <summary>A bad append fails alone: the others of its run are written again, each as a unit of its own.</summary>
    private void CommitOneByOne(JournalBatch.Unit rejected)
    {
        foreach (var append in rejected.Appends)
        {
            var unit = JournalBatch.Build([append], _time.GetUtcNow());
            if (unit.Count == 0)
                continue;
            unit[0].Finish(TryWrite(unit) is { } outcomes ? outcomes[0] : new UnitOutcome(UnitResult.Fenced));
        }
    }

    /// <summary>Sends the same batch until the store answers; null when the process stops first.</summary>
    private UnitOutcome[]? TryWrite(List<JournalBatch.Unit> units)
    {
        var write = units.ConvertAll(u => u.Write);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                CrashPoint.At("writer: before the commit");
                var outcomes = _store.Write(write);
                CrashPoint.At("writer: after the commit");
                if (_health.Up())
                    LogStoreBack();
                if (Array.Find(outcomes, o => o.Error is StoreException).Error is { } lost)
                    StopForGood(lost);
                return outcomes;
            }
            catch (StoreUnavailableException e)
            {
                if (_health.Down(e))
                    LogStoreAway(e, e.Message);

                // Runs pause here; nothing fails and nothing is dropped while the process lives.
                if (_abandon.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(Math.Min(2_000, 20 << Math.Min(attempt, 7)))))
                    return null;
            }
        }
    }

    /// <summary>Another process has the database: nothing of this one can be recorded any more, so it doesn't pretend to work.</summary>
    private void StopForGood(Exception lost)
    {
        if (_health.Down(lost))
            LogLost(lost, lost.Message);
        _lifetime.StopApplication();
    }

    [LoggerMessage(3004, LogLevel.Critical, "{Reason} This process stops.")]
    private partial void LogLost(Exception exception, string reason);

    [LoggerMessage(3001, LogLevel.Error, "The journal can't be written: {Reason}. Runs pause until it can.")]
    private partial void LogStoreAway(Exception exception, string reason);

    [LoggerMessage(3002, LogLevel.Information, "The journal can be written again; runs go on.")]
    private partial void LogStoreBack();

    [LoggerMessage(3003, LogLevel.Critical, "GRN9901: the journal writer failed. Please report this.")]
    private partial void LogWriterDied(Exception exception);
}
