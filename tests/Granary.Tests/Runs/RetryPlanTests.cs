using CsCheck;
using Granary.Activities;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class RetryPlanTests
{
    private static readonly DateTimeOffset _start = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Exception _failure = new InvalidOperationException("no");

    private static readonly Gen<RetryOptions> _options =
        from delay in Gen.OneOf(Gen.Const(0.0), Gen.Double[0, 100_000])
        from factor in Gen.OneOf(Gen.Const(1.0), Gen.Const(2.0), Gen.Double[1, 100])
        from cap in Gen.OneOf(Gen.Const(TimeSpan.MaxValue), Gen.Double[0, 1_000_000].Select(TimeSpan.FromSeconds))
        from jitter in Gen.Bool
        select new RetryOptions(int.MaxValue) { Delay = TimeSpan.FromSeconds(delay), BackoffFactor = factor, MaxDelay = cap, UseJitter = jitter };

    [Fact]
    [Trait("Scenario", "R-05")]
    public void no_delay_is_above_an_hour_by_default()
    {
        var options = new RetryOptions(5) { Delay = TimeSpan.FromSeconds(100), BackoffFactor = 100 };

        var delays = Enumerable.Range(0, 4).SelectMany(attempt => new[] { 0, 0.5, 0.999 }.Select(chance => RetryPlan.Delay(options, attempt, chance))).ToList();

        Assert.All(delays, delay => Assert.InRange(delay, TimeSpan.FromSeconds(80), TimeSpan.FromSeconds(3600)));
        Assert.Equal(TimeSpan.FromSeconds(3600), delays[^1]);
    }

    [Fact]
    public void without_jitter_delays_grow_by_the_factor()
    {
        var options = new RetryOptions(9) { UseJitter = false };

        Assert.Equal([1, 2, 4, 8], Enumerable.Range(0, 4).Select(attempt => RetryPlan.Delay(options, attempt, 0.7).TotalSeconds));
    }

    [Fact]
    public void delays_grow_up_to_their_cap_and_never_leave_the_bounds_of_their_jitter() =>
        Gen.Select(_options, Gen.Int[0, 3_000], Gen.Double.Unit).Sample((options, attempt, chance) =>
        {
            var delay = RetryPlan.Delay(options, attempt, chance);
            Assert.InRange(delay, TimeSpan.Zero, options.MaxDelay);
            Assert.True(RetryPlan.Delay(options, attempt + 1, chance) >= delay, "a later delay is shorter");
            var plain = RetryPlan.Delay(options with { UseJitter = false, MaxDelay = TimeSpan.MaxValue }, attempt, chance);
            var (low, high) = options.UseJitter ? (0.8, 1.2) : (1, 1);
            Assert.True(delay == options.MaxDelay || delay.TotalSeconds >= (plain.TotalSeconds * low) - 0.001, $"{delay} is below {low} of {plain}");
            Assert.True(delay.TotalSeconds <= (plain.TotalSeconds * high) + 0.001, $"{delay} is above {high} of {plain}");
        }, iter: 20_000);

    [Fact]
    public void every_plan_has_a_due_time_that_can_be_stored() =>
        Gen.Select(_options, Gen.Int[0, 3_000], Gen.Double.Unit).Sample((options, attempt, chance) =>
            Assert.True(RetryPlan.Next(options, attempt, _failure, _start, _start, chance) >= _start), iter: 5_000);

    [Fact]
    public void the_last_attempt_has_no_successor()
    {
        var options = new RetryOptions(3);

        Assert.NotNull(RetryPlan.Next(options, 1, _failure, _start, _start, 0.5));
        Assert.Null(RetryPlan.Next(options, 2, _failure, _start, _start, 0.5));
    }

    [Fact]
    public void what_can_never_succeed_is_not_tried_again()
    {
        var options = new RetryOptions(3) { ShouldRetry = _ => true };

        Assert.All(
            [new TerminalException("no"), new PayloadException("GRN1601", "too large", null), new GranaryUsageException("GRN1207", "misused")],
            (Exception e) => Assert.Null(RetryPlan.Next(options, 0, e, _start, _start, 0.5)));
    }

    [Fact]
    public void a_delay_that_the_failure_asks_for_replaces_a_shorter_one_and_is_not_capped()
    {
        var options = new RetryOptions(3) { UseJitter = false, MaxDelay = TimeSpan.FromSeconds(2) };

        Assert.Equal(_start.AddHours(2), Next(TimeSpan.FromHours(2)));
        Assert.Equal(_start.AddSeconds(1), Next(TimeSpan.FromMilliseconds(3)));
        Assert.Equal(_start.AddSeconds(1), Next(null));
        Assert.Equal(DateTimeOffset.MaxValue, Next(TimeSpan.MaxValue));

        DateTimeOffset? Next(TimeSpan? asked) => RetryPlan.Next(options with { RetryAfter = _ => asked }, 0, _failure, _start, _start, 0.5);
    }

    [Fact]
    public void nothing_is_due_past_the_total_limit_counted_from_the_first_start()
    {
        var options = new RetryOptions(9) { UseJitter = false, TotalTimeout = TimeSpan.FromSeconds(10) };

        Assert.Equal(_start.AddSeconds(9.5), RetryPlan.Next(options, 0, _failure, _start, _start.AddSeconds(8.5), 0.5));
        Assert.Null(RetryPlan.Next(options, 0, _failure, _start, _start.AddSeconds(9), 0.5));
        Assert.NotNull(RetryPlan.Next(options with { TotalTimeout = TimeSpan.MaxValue }, 0, _failure, _start, _start.AddSeconds(9), 0.5));
    }
}
