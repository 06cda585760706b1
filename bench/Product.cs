using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Granary.Bench;

/// <summary>The product as a user runs it: a host over a fresh SQLite file.</summary>
internal sealed class Product : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly string _folder;

    private Product(IHost host, string folder)
    {
        _host = host;
        _folder = folder;
        Client = host.Services.GetRequiredService<IGranaryClient>();
    }

    public IGranaryClient Client { get; }

    /// <summary>1 KB of random text: what each step returns.</summary>
    public static string Payload { get; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(750));

    public static async Task<Product> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("granary-bench-").FullName;
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.AddGranary(granary => granary
            .Configure(o => o.DataPath = Path.Combine(folder, "bench.db"))
            .AddWorkflow<int, string>("steps", async (ctx, steps) =>
            {
                var last = "";
                for (var i = 0; i < steps; i++)
                    last = await ctx.StepAsync("step", static _ => Task.FromResult(Payload));
                return last;
            }));
        var host = builder.Build();
        await host.StartAsync();
        return new Product(host, folder);
    }

    public IWorkflowRef<Workflow<int, string>> Steps => Client.Workflow<int, string>("steps");

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
