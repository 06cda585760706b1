using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Bench;

/// <summary>The product as a user runs it: a host over a store.</summary>
internal sealed class Product : IAsyncDisposable
{
    private readonly IHost _host;

    private Product(IHost host)
    {
        _host = host;
        Client = host.Services.GetRequiredService<IGranaryClient>();
    }

    public IGranaryClient Client { get; }

    /// <summary>1 KB of random text: what each step returns.</summary>
    public static string Payload { get; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(750));

    public IWorkflowRef<Workflow<int, string>> Steps => Client.Workflow<int, string>("steps");

    /// <summary>Starts a host.</summary>
    /// <param name="address">Its store.</param>
    /// <param name="progress">Where workflows tell what they reached.</param>
    /// <param name="configure">What to set besides the defaults.</param>
    public static async Task<Product> StartAsync(StoreAddress address, Progress? progress = null, Action<GranaryOptions>? configure = null)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Error);
        if (address.Connection is not null)
            builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:granary", address.Connection)]);
        builder.AddGranary(granary =>
        {
            granary.Configure(o =>
            {
                o.DataPath = address.DataPath;
                if (address.Schema is not null)
                    o.Journal.Schema = address.Schema;
                configure?.Invoke(o);
            });
            granary.AddWorkflow<int, string>("steps", StepsAsync);
            granary.AddWorkflow<int, string>("busy", (ctx, steps) => BusyAsync(ctx, steps, progress));
            granary.AddWorkflow<int, string>("long", (ctx, steps) => LongAsync(ctx, steps, progress));
            granary.AddWorkflow<int, string>("sleeper", SleepAsync);
            granary.AddWorkflow<None, long>("waiter", WaitAsync);
        });
        var host = builder.Build();
        await host.StartAsync();
        return new Product(host);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    private static async Task<string> StepsAsync(WorkflowContext ctx, int steps)
    {
        var last = "";
        for (var i = 0; i < steps; i++)
            last = await ctx.StepAsync("step", static _ => Task.FromResult(Payload));
        return last;
    }

    /// <summary>Steps of 100 ms each, told as they begin.</summary>
    private static async Task<string> BusyAsync(WorkflowContext ctx, int steps, Progress? progress)
    {
        for (var i = 0; i < steps; i++)
        {
            var detail = $"{ctx.RunId}/{i}";
            await ctx.StepAsync("step", async _ =>
            {
                progress?.Reached("step", detail);
                await Task.Delay(100);
                return Payload;
            });
        }

        progress?.Reached("done", ctx.RunId.Value);
        return "done";
    }

    private static async Task<string> SleepAsync(WorkflowContext ctx, int seconds)
    {
        await ctx.SleepAsync(TimeSpan.FromSeconds(seconds));
        return "awake";
    }

    /// <summary>Waits for a signal, and returns when it went on.</summary>
    private static async Task<long> WaitAsync(WorkflowContext ctx, None input)
    {
        await ctx.WaitForSignalAsync<string>("go");
        return Stopwatch.GetTimestamp();
    }

    /// <summary>Many steps, told by the thousand; the last never ends.</summary>
    private static async Task<string> LongAsync(WorkflowContext ctx, int steps, Progress? progress)
    {
        progress?.Reached("mark", "0");
        for (var i = 1; i <= steps; i++)
        {
            await ctx.StepAsync("step", static _ => Task.FromResult(Payload));
            if (i % 1_000 == 0)
                progress?.Reached("mark", $"{i}");
        }

        return await ctx.StepAsync("frontier", async step =>
        {
            progress?.Reached("frontier", "-");
            await Task.Delay(Timeout.Infinite, step.CancellationToken);
            return "";
        });
    }
}
