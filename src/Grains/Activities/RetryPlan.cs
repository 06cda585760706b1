namespace Granary.Activities;

/// <summary>Decides what follows a failed attempt. A plain function: time and chance are its arguments.</summary>
internal static class RetryPlan
{
    /// <summary>When the next attempt is due; null when there is none.</summary>
    /// <param name="options">The step's retries.</param>
    /// <param name="attempt">The attempt that failed, from 0.</param>
    /// <param name="failure">Its failure.</param>
    /// <param name="firstStart">When the first attempt began, also in an earlier process.</param>
    /// <param name="now">Now.</param>
    /// <param name="chance">A random number from 0 up to 1.</param>
    public static DateTimeOffset? Next(RetryOptions options, int attempt, Exception failure, DateTimeOffset firstStart, DateTimeOffset now, double chance)
    {
        if (attempt + 1 >= options.MaxAttempts || IsTerminal(failure))
            return null;

        // The user's functions know the runtime's own type for a time-out, as a body would have thrown it.
        var seen = failure is AttemptTimeoutException ? new TimeoutException(failure.Message) : failure;
        if (options.ShouldRetry is { } shouldRetry && !shouldRetry(seen))
            return null;
        var delay = Delay(options, attempt, chance);
        if (options.RetryAfter?.Invoke(seen) is { } asked && asked > delay)
            delay = asked;

        // Spans may be as long as the type allows, instants may not.
        var due = delay < DateTimeOffset.MaxValue - now ? now + delay : DateTimeOffset.MaxValue;
        return due - firstStart >= options.TotalTimeout ? null : due;
    }

    /// <summary>Whether a failure must not be tried again, whatever the options say.</summary>
    public static bool IsTerminal(Exception failure) =>
        failure is TerminalException or PayloadException or GranaryUsageException or ActivityFailedException { IsTerminal: true };

    /// <summary>The back-off after an attempt: grown, jittered, then capped.</summary>
    public static TimeSpan Delay(RetryOptions options, int attempt, double chance)
    {
        // Zero times the infinity that a far attempt's factor comes to would be no number.
        if (options.Delay == TimeSpan.Zero)
            return TimeSpan.Zero;
        var seconds = options.Delay.TotalSeconds * Math.Pow(options.BackoffFactor, attempt);
        if (options.UseJitter)
            seconds *= 0.8 + (0.4 * chance);

        // Far attempts overflow; comparing before converting keeps them at the cap.
        return seconds >= options.MaxDelay.TotalSeconds ? options.MaxDelay : TimeSpan.FromSeconds(seconds);
    }

    /// <summary>Refuses options that mean nothing.</summary>
    /// <exception cref="GranaryUsageException"><c>GRN1702</c>.</exception>
    public static void Check(string step, StepOptions options, RetryOptions retry)
    {
        if (options.Timeout is { } timeout && (timeout <= TimeSpan.Zero || timeout.TotalMilliseconds > int.MaxValue))
            throw Bad(step, $"a time limit of {timeout}", "a positive limit below 24 days");
        if (retry.Problem() is { } problem)
            throw Bad(step, problem.What, problem.Instead);
    }

    private static GranaryUsageException Bad(string step, string what, string instead) =>
        new("GRN1702", $"Step '{step}' has {what}.", $"Pass {instead}.");
}
