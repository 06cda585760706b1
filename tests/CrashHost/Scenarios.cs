using System.ComponentModel;
using System.Diagnostics;

namespace Granary.CrashHost;

/// <summary>The workflows that are killed. What their bodies do is in the effects file.</summary>
public static class Scenario
{
    internal static async Task<T> BodyAsync<T>(EffectsFile effects, StepContext step, T result, int milliseconds = 0)
    {
        effects.Write(step, "begin");
        if (milliseconds > 0)
            await Task.Delay(milliseconds, step.CancellationToken);
        effects.Write(step, "end");
        return result;
    }
}

/// <summary>Something of everything: steps, a draw, a sleep, branches, a retry.</summary>
[Workflow("mixed")]
public sealed class Mixed(IServiceProvider services) : Workflow<string, string>
{
    /// <inheritdoc/>
    public override async Task<string> RunAsync(WorkflowContext ctx, string input)
    {
        var effects = (EffectsFile)services.GetService(typeof(EffectsFile))!;
        var first = await ctx.StepAsync("first", step => Scenario.BodyAsync(effects, step, 1));
        var id = ctx.NewGuid();
        await ctx.SleepAsync(TimeSpan.FromMilliseconds(50));
        var branches = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => ctx.BranchAsync($"branch {i}", async () =>
        {
            var a = await ctx.StepAsync("a", step => Scenario.BodyAsync(effects, step, i, 5 * (3 - i)));
            return a + await ctx.StepAsync("b", step => Scenario.BodyAsync(effects, step, 10));
        })));
        var retried = await ctx.StepAsync("retried", async step =>
        {
            await Scenario.BodyAsync(effects, step, 0);
            return step.Attempt < 2 ? throw new InvalidOperationException($"attempt {step.Attempt}") : step.Attempt;
        }, new() { Retry = new(4) { Delay = TimeSpan.FromMilliseconds(20) } });
        var again = await ctx.StepAsync("the id is kept", step => Scenario.BodyAsync(effects, step, id));
        return $"{first} {string.Join(',', branches)} {retried} {again == id}";
    }
}

/// <summary>Five steps in sequence; the third takes a while.</summary>
[Workflow("five")]
public sealed class Five(IServiceProvider services) : Workflow<string, string>
{
    /// <inheritdoc/>
    public override async Task<string> RunAsync(WorkflowContext ctx, string input)
    {
        var effects = (EffectsFile)services.GetService(typeof(EffectsFile))!;
        var sum = 0;
        for (var i = 1; i <= 5; i++)
        {
            var n = i;
            sum += await ctx.StepAsync($"step {n}", step => Scenario.BodyAsync(effects, step, n, n == 3 ? int.Parse("0" + input, System.Globalization.CultureInfo.InvariantCulture) : 0));
        }

        return sum.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}

/// <summary>Kills its process at the first step, as long as the file named by its input exists.</summary>
[Workflow("killer")]
public sealed class Killer(IServiceProvider services) : Workflow<string, string>
{
    /// <inheritdoc/>
    public override Task<string> RunAsync(WorkflowContext ctx, string input) => ctx.StepAsync("kill", async step =>
    {
        await Scenario.BodyAsync((EffectsFile)services.GetService(typeof(EffectsFile))!, step, 0);
        if (File.Exists(input))
            Process.GetCurrentProcess().Kill();
        return "alive";
    });
}

/// <summary>Asks a server, at most four times. Its input: the address, the milliseconds before the second attempt, those of the total limit.</summary>
[Workflow("fetch")]
public sealed class Fetch(IServiceProvider services) : Workflow<string, string>
{
    /// <inheritdoc/>
    public override async Task<string> RunAsync(WorkflowContext ctx, string input)
    {
        var effects = (EffectsFile)services.GetService(typeof(EffectsFile))!;
        var words = input.Split(' ');
        var retry = new RetryOptions(4) { Delay = Milliseconds(words[1]), UseJitter = false, TotalTimeout = words.Length > 2 ? Milliseconds(words[2]) : null };
        try
        {
            return await ctx.StepAsync("fetch", async step =>
            {
                effects.Write(step, "begin");
                using var http = new HttpClient();
                return await http.GetStringAsync(new Uri(words[0]), step.CancellationToken);
            }, new() { Retry = retry });
        }
        catch (StepFailedException e)
        {
            return $"gave up after {e.Attempts.Count}";
        }
    }

    private static TimeSpan Milliseconds(string text) => TimeSpan.FromMilliseconds(int.Parse(text, System.Globalization.CultureInfo.InvariantCulture));
}

/// <summary>As many steps in sequence, each of as many milliseconds, as its input says: "steps milliseconds".</summary>
[Workflow("chain")]
public sealed class Chain(IServiceProvider services) : Workflow<string, string>
{
    /// <inheritdoc/>
    public override async Task<string> RunAsync(WorkflowContext ctx, string input)
    {
        var effects = (EffectsFile)services.GetService(typeof(EffectsFile))!;
        var numbers = input.Split(' ').Select(n => int.Parse(n, System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        var sum = 0;
        for (var i = 1; i <= numbers[0]; i++)
        {
            var n = i;
            sum += await ctx.StepAsync($"step {n}", step => Scenario.BodyAsync(effects, step, n, numbers[1]));
        }

        return sum.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}

/// <summary>Sleeps durably for as many milliseconds as its input says.</summary>
[Workflow("sleeper")]
public sealed class Sleeper : Workflow<string, string>
{
    /// <inheritdoc/>
    public override async Task<string> RunAsync(WorkflowContext ctx, string input)
    {
        await ctx.SleepAsync(TimeSpan.FromMilliseconds(int.Parse(input, System.Globalization.CultureInfo.InvariantCulture)));
        return "awake";
    }
}

/// <summary>Something of everything, each body a call of an outside system: the address stands in GRANARY_SINK.</summary>
[Workflow("chaos")]
public sealed class Chaotic : Workflow<string, string>
{
    private static readonly HttpClient _http = new();
    private static readonly string? _sink = Environment.GetEnvironmentVariable("GRANARY_SINK");

    /// <inheritdoc/>
    public override async Task<string> RunAsync(WorkflowContext ctx, string input)
    {
        var number = int.Parse(input, System.Globalization.CultureInfo.InvariantCulture);
        await ctx.StepAsync("first", step => CallAsync(step, 20));
        await ctx.SleepAsync(TimeSpan.FromMilliseconds(number % 3 == 0 ? 2_500 : 100));
        await Task.WhenAll(Enumerable.Range(0, 2).Select(i => ctx.BranchAsync($"branch {i}", () => ctx.StepAsync($"side {i}", step => CallAsync(step, 100 * (i + 1))))));
        await ctx.StepAsync("retried", async step =>
        {
            await CallAsync(step, 5);
            return step.Attempt == 0 ? throw new InvalidOperationException("not at first") : None.Value;
        }, new() { Retry = new(2) { Delay = TimeSpan.FromMilliseconds(200) } });
        await ctx.StepAsync("last", step => CallAsync(step, 300));
        return $"{number} ok";
    }

    private static async Task<None> CallAsync(StepContext step, int milliseconds)
    {
        var key = Uri.EscapeDataString(step.IdempotencyKey);
        using var answer = await _http.PostAsync(new Uri($"{_sink}?key={key}&attempt={step.Attempt}&epoch={step.Epoch}&pid={Environment.ProcessId}"), null, step.CancellationToken);
        answer.EnsureSuccessStatusCode();
        await Task.Delay(milliseconds, step.CancellationToken);
        return None.Value;
    }
}

/// <summary>Asks an agent whose tool runs on silos of the role "gpu"; its input: the milliseconds that the tool takes.</summary>
[Workflow("paint")]
public sealed class Paint : Workflow<string, string>
{
    /// <inheritdoc/>
    public override async Task<string> RunAsync(WorkflowContext ctx, string input) => (await ctx.Agent("painter").AskAsync($"Please render {input}")).Text;
}

/// <summary>The painter's tool.</summary>
[RunOn("gpu")]
public sealed class Painting(IServiceProvider services)
{
    /// <summary>Takes as long as it is told.</summary>
    [Tool("render")]
    [Description("Renders something.")]
    public async Task<string> RenderAsync(StepContext step, [Description("How many milliseconds")] int milliseconds)
    {
        var effects = (EffectsFile)services.GetService(typeof(EffectsFile))!;
        effects.Write(step, "begin");
        try
        {
            await Task.Delay(milliseconds, step.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            effects.Write(step, "cancelled");
            throw;
        }

        effects.Write(step, "end");
        return $"rendered {milliseconds}";
    }
}

/// <summary>Waits for as many signals as its input says, and returns them in their order; tells by an event how many it has.</summary>
[Workflow("mailbox")]
public sealed class Mailbox : Workflow<string, string>
{
    /// <inheritdoc/>
    public override async Task<string> RunAsync(WorkflowContext ctx, string input)
    {
        var got = new List<string>();
        for (var count = int.Parse(input, System.Globalization.CultureInfo.InvariantCulture); got.Count < count;)
        {
            got.Add(await ctx.WaitForSignalAsync<string>("n"));
            await ctx.SetEventAsync("got", got.Count);
        }

        return string.Join(' ', got);
    }
}
