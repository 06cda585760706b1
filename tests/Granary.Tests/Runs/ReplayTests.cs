using System.Collections.Concurrent;
using System.Text.Json;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>What code sees when it is given its recorded past is what it saw when it ran first.</summary>
public sealed class ReplayTests
{
    [Fact]
    public async Task a_recorded_step_is_not_run_again()
    {
        var bodies = new ConcurrentDictionary<string, int>();

        var (live, replayed) = await Replay.OfAsync(async (ctx, see) =>
        {
            foreach (var name in new[] { "one", "two", "three" })
            {
                see(await ctx.StepAsync(name, _ =>
                {
                    var count = bodies.AddOrUpdate(name, 1, (_, n) => n + 1);
                    return Task.FromResult($"{name} {count}");
                }));
            }
        });

        Assert.Equal(["one 1", "two 1", "three 1"], live);
        Assert.Equal(live, replayed);
        Assert.All(bodies, pair => Assert.Equal(1, pair.Value));
    }

    [Fact]
    public async Task draws_are_recorded()
    {
        var (live, replayed) = await Replay.OfAsync((ctx, see) =>
        {
            see(ctx.NewGuid());
            see(ctx.NewGuid());
            see(ctx.Random.Next());
            see(ctx.Random.Next(10, 20));
            see(ctx.Random.NextInt64());
            see(ctx.Random.NextDouble());
            see(ctx.Random.NextSingle());
            var bytes = new byte[16];
            ctx.Random.NextBytes(bytes);
            see(Convert.ToHexString(bytes));
            var cards = Enumerable.Range(0, 52).ToArray();
            ctx.Random.Shuffle(cards);
            see(string.Join(',', cards));
            return Task.CompletedTask;
        });

        Assert.Equal(live, replayed);
        Assert.NotEqual(live[0], live[1]);
        Assert.Equal(4, Guid.Parse(live[0]).Version);
        Assert.InRange(int.Parse(live[3]), 10, 19);
    }

    [Fact]
    public async Task the_runs_clock_never_goes_back_and_is_the_same_on_replay()
    {
        var (live, replayed) = await Replay.OfAsync(async (ctx, see) =>
        {
            see(ctx.UtcNow.Ticks);
            for (var i = 0; i < 5; i++)
            {
                await ctx.StepAsync("step", async _ => await Task.Yield());
                see(ctx.UtcNow.Ticks);
            }

            await ctx.SleepAsync(TimeSpan.FromMilliseconds(30));
            see(ctx.UtcNow.Ticks);
        });

        Assert.Equal(live, replayed);
        var ticks = live.Select(long.Parse).ToList();
        Assert.Equal(ticks.Order(), ticks);
        Assert.True(ticks[^1] - ticks[0] >= TimeSpan.FromMilliseconds(30).Ticks);
    }

    [Fact]
    public async Task outcomes_come_one_at_a_time_in_their_recorded_order()
    {
        var (live, replayed) = await Replay.OfAsync(async (ctx, see) =>
        {
            var steps = Enumerable.Range(0, 12).Select(i => ctx.StepAsync("step", async _ =>
            {
                await Task.Delay(Random.Shared.Next(20));
                return i;
            })).ToList();
            var all = steps.ToList();
            while (steps.Count > 0)
            {
                var winner = await ctx.WhenAnyAsync(steps);
                steps.Remove(winner);

                // Code that looks at the others sees the same, too.
                see($"{await winner}: {string.Join("", all.Select(s => s.IsCompleted ? 1 : 0))}");
            }
        });

        Assert.Equal(12, live.Count);
        Assert.Equal(live, replayed);
        Assert.All(live.Select((line, i) => (line, i)), x => Assert.Equal(x.i + 1, x.line.Split(": ")[1].Count(c => c == '1')));
    }

    [Fact]
    public async Task a_step_and_a_timer_race_to_the_same_end_on_replay()
    {
        var (live, replayed) = await Replay.OfAsync(async (ctx, see) =>
        {
            for (var i = 0; i < 10; i++)
            {
                var step = ctx.StepAsync("step", async _ => await Task.Delay(Random.Shared.Next(10)));
                var sleep = ctx.SleepAsync(TimeSpan.FromMilliseconds(5));
                see(await ctx.WhenAnyAsync(step, sleep) == step);
                await step;
                await sleep;
            }
        });

        Assert.Equal(10, live.Count);
        Assert.Equal(live, replayed);
    }

    [Fact]
    public async Task a_failure_is_the_same_catchable_thing_live_and_on_replay()
    {
        var (live, replayed) = await Replay.OfAsync(async (ctx, see) =>
        {
            await CatchAsync(ctx, see, "plain", _ => throw new InvalidOperationException("plain", new IOException("inner")));
            await CatchAsync(ctx, see, "retried", step => throw new HttpRequestException($"attempt {step.Attempt}"));
            await CatchAsync(ctx, see, "terminal", _ => throw new TerminalException("no funds") { Code = "broke", Details = new { Missing = 12.5m } });
            await CatchAsync(ctx, see, "cancelled", _ => throw new TaskCanceledException("gave up"));
            await CatchAsync(ctx, see, "too large", _ => Task.FromResult(new string('x', 17 * 1024 * 1024)));
        });

        Assert.Equal(5, live.Count);
        Assert.Equal(live, replayed);
        Assert.Contains("\"message\":\"attempt 2\"", live[1]);
        Assert.Contains("missing 12.5", live[2]);

        static async Task CatchAsync(WorkflowContext ctx, Action<object?> see, string name, Func<StepContext, Task<string>> body)
        {
            var retry = name == "retried" ? new RetryOptions(3) { Delay = TimeSpan.Zero } : null;
            var e = await Caught.OfAsync<StepFailedException>(() => ctx.StepAsync(name, body, new() { Retry = retry }));
            see($"{e.GetType()} {e.Code} {e.Step} {e.Message} {JsonSerializer.Serialize(e.Error, JsonSerializerOptions.Web)} "
                + $"{JsonSerializer.Serialize(e.Attempts, JsonSerializerOptions.Web)} {e.Is<OperationCanceledException>()} {e.IsTransient} "
                + $"missing {e.Details<Shortage>()?.Missing}");
        }
    }

    [Fact]
    public async Task code_gets_an_outcome_as_it_was_read_back_also_live()
    {
        var (live, replayed) = await Replay.OfAsync(async (ctx, see) =>
        {
            var draft = new Draft { Text = "text", Secret = "secret" };
            var back = await ctx.StepAsync("step", _ => Task.FromResult(draft));
            see($"{back.Text} {back.Secret ?? "none"} {ReferenceEquals(back, draft)}");
        });

        Assert.Equal(["text none False"], live);
        Assert.Equal(live, replayed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task code_that_leaves_the_runs_scheduler_works_and_replays(bool isOnThePool)
    {
        var (live, replayed) = await Replay.OfAsync(async (ctx, see) =>
        {
            async Task<int> CodeAsync()
            {
                var sum = await ctx.StepAsync("one", _ => Task.FromResult(1)).ConfigureAwait(false);
                await Task.Yield();
                sum += await ctx.BranchAsync("branch", async () =>
                    await ctx.StepAsync("two", _ => Task.FromResult(2)).ConfigureAwait(false)
                    + await ctx.StepAsync("three", _ => Task.FromResult(3)).ConfigureAwait(false)).ConfigureAwait(false);
                see(ctx.Random.Next());
                await ctx.SleepAsync(TimeSpan.FromMilliseconds(10)).ConfigureAwait(false);
                return sum + await ctx.StepAsync("four", _ => Task.FromResult(4)).ConfigureAwait(false);
            }

            see(await (isOnThePool ? Task.Run(CodeAsync) : CodeAsync()));
        });

        Assert.Equal("10", live[^1]);
        Assert.Equal(live, replayed);
    }

    [Fact]
    public async Task code_may_wait_for_work_that_it_put_on_the_pool()
    {
        var (live, replayed) = await Replay.OfAsync(async (ctx, see) =>
        {
            var numbers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(() => i * i)));
            see(await ctx.StepAsync("sum", _ => Task.FromResult(numbers.Sum())));
            see(await Task.Run(async () =>
            {
                await Task.Delay(20);
                return 5;
            }));
            see(await ctx.StepAsync("more", _ => Task.FromResult(6)));
        });

        Assert.Equal(["14", "5", "6"], live);
        Assert.Equal(live, replayed);
    }

    private sealed class Draft
    {
        public string? Text { get; set; }

        [System.Text.Json.Serialization.JsonIgnore]
        public string? Secret { get; set; }
    }

    private sealed record Shortage(decimal Missing);
}
