using Granary.Journal;
using Granary.Runs;
using Granary.Tests.Crashes;
using Granary.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>A process that was paused and wakes.</summary>
public sealed class PauseTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_pause_that_cuts_the_check_of_another_is_checked_as_well()
    {
        using var data = new TestDatabase();
        var time = new JumpingTime();
        var (first, second) = (new Gate(), new Gate());
        var (wasRead, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var app = await data.StartAsync(g =>
        {
            g.Services.AddSingleton<TimeProvider>(time);
            g.AddWorkflow<int, int>("w", async (ctx, n) =>
            {
                await ctx.StepAsync("first", first.PassAsync);
                await ctx.StepAsync("second", second.PassAsync);
                return n;
            });
            TestStore.Put(g.Services, (name, call) => name == "ReadHeadAsync" ? HoldAsync((Task<JournalHead?>)call()!) : call());
        });
        await app.KeeperHasLookedAsync();
        await app.Client.Workflow<int, int>("w").StartAsync(1, new() { Id = "r" }, Stop);
        await first.Reached.WaitAsync(Stop);

        time.Jump();
        await wasRead.Task.WaitAsync(Stop);
        new Usurper(data.Path).Claims();
        time.Jump();
        var ticks = time.Ticks;
        await Eventually.TrueAsync(data.Path, "the second pause is noticed", () => time.Ticks > ticks + 1);
        goOn.SetResult();
        await Eventually.TrueAsync(data.Path, "the loss is noticed", () => app.Log.Lines.Any(l => l.Text.Contains("1 of its runs had been taken over", StringComparison.Ordinal)));
        first.Open();
        await Eventually.TrueAsync(data.Path, "its code is dropped", () => app.Services.GetRequiredService<RunRegistry>().All.Count == 0);
        Assert.Equal(0, second.Passes);
        Assert.Equal(["Started", "Claimed"], data.Query("select kind from granary_journal_v order by seq").Select(r => r[0]));

        async Task<JournalHead?> HoldAsync(Task<JournalHead?> reading)
        {
            var head = await reading;
            wasRead.TrySetResult();
            await goOn.Task;
            return head;
        }
    }

    /// <summary>A stopwatch that was stopped with its process for a while: it jumps.</summary>
    private sealed class JumpingTime : TimeProvider
    {
        private long _jumped;
        private int _ticks;

        /// <summary>How often the gate has looked.</summary>
        public int Ticks => Volatile.Read(ref _ticks);

        public override long GetTimestamp() => System.GetTimestamp() + Interlocked.Read(ref _jumped);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(
            s =>
            {
                callback(s);
                if (period == TimeSpan.FromMilliseconds(250))
                    Interlocked.Increment(ref _ticks);
            },
            state, dueTime, period);

        public void Jump() => Interlocked.Add(ref _jumped, 3 * TimestampFrequency);
    }
}
