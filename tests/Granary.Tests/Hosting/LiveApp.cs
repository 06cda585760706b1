using System.Collections.Concurrent;
using System.Text.Json;
using Granary.Engine;
using Xunit;

namespace Granary.Tests.Hosting;

/// <summary>One application for all tests of a class; each test brings the code of its run.</summary>
public sealed class LiveApp : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, Func<WorkflowContext, Task<JsonElement>>> _codes = new();
    private TestApp? _app;

    internal TestApp App => _app!;

    internal IGranaryClient Client => App.Client;

    internal string DataPath => App.DataPath;

    internal List<object?[]> Query(string sql) => App.Query(sql);

    /// <summary>Starts a run of the code.</summary>
    internal async Task<RunHandle<T>> StartAsync<T>(Func<WorkflowContext, Task<T>> code, RunId? id = null)
    {
        var key = Guid.NewGuid().ToString();
        _codes[key] = async ctx => JsonSerializer.SerializeToElement(await code(ctx), GranaryJson.Own);
        var run = await Client.Workflow<string, JsonElement>("code").StartAsync(key, new() { Id = id ?? new RunId(key) }, TestContext.Current.CancellationToken);
        return Client.Run<T>(run.Id);
    }

    /// <summary>Runs the code and returns its result.</summary>
    internal async Task<T> RunAsync<T>(Func<WorkflowContext, Task<T>> code)
    {
        var run = await StartAsync(code);
        return await run.ResultAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Columns of a run's attempts in the order of their completion.</summary>
    internal List<object?[]> Steps(RunId id, string columns) =>
        Query($"select {columns} from granary_steps_v where run_id = '{id}' order by seq");

    public async ValueTask InitializeAsync() => _app = await TestApp.StartAsync(g =>
    {
        g.AddWorkflow<string, JsonElement>("code", (ctx, key) => _codes[key](ctx));
        g.AddWorkflow<string, string>("echo", (ctx, text) => ctx.StepAsync("echo", _ => Task.FromResult(text)));
    });

    public async ValueTask DisposeAsync()
    {
        try
        {
            Invariants.AssertHold(DataPath);
        }
        finally
        {
            await App.DisposeAsync();
        }
    }
}
