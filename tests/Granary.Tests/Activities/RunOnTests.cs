using System.ComponentModel;
using Granary.Agents;
using Granary.Tests.Agents;
using Granary.Tests.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Granary.Tests.Activities;

/// <summary>Tools and model calls that ask for a role, in one process.</summary>
public sealed class RunOnTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_run_whose_tool_finds_no_silo_of_its_role_waits_visibly_and_goes_on_in_a_process_that_has_it()
    {
        using var data = new TestDatabase();
        await using (var app = await data.StartAsync(g => Agent(g)))
        {
            await app.Client.Workflow<int, string>("ask").StartAsync(0, new() { Id = "r" }, Stop);
            await Eventually.TrueAsync(data.Path, "the run waits for a silo", async () => await app.Client.Run("r").InfoAsync(Stop) is { Status: RunStatus.Waiting, WaitingOn: "silo" });
            Assert.Equal([["waiting", "silo", null]], data.Query("select status, waiting_on, wake_at from granary_runs_v"));
        }

        await using (var app = await data.StartAsync(g => Agent(g, "cpu", "gpu")))
            Assert.Contains("rendered cat", await app.Client.Run<string>("r").ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(30), Stop), StringComparison.Ordinal);
        Assert.Equal([["render", "succeeded"]], data.Query("select name, outcome from granary_steps_v where kind = 'tool'"));
        Assert.Equal([[0L]], data.Query("select recovery_attempts from granary_runs_v"));
        Invariants.AssertHold(data.Path);
    }

    [Fact]
    public async Task a_model_that_finds_no_silo_of_its_role_waits_as_well()
    {
        using var data = new TestDatabase();
        await using (var app = await data.StartAsync(g => Agent(g).Configure(a => a.RunModelOn = "model")))
        {
            await app.Client.Workflow<int, string>("ask").StartAsync(0, new() { Id = "r" }, Stop);
            await Eventually.TrueAsync(data.Path, "the run waits for a silo", async () => await app.Client.Run("r").InfoAsync(Stop) is { WaitingOn: "silo" });
            Assert.Empty(data.Query("select 1 from granary_steps_v where outcome <> 'running'"));
        }

        await using (var app = await data.StartAsync(g => Agent(g, "gpu", "model").Configure(a => a.RunModelOn = "model")))
            Assert.Contains("rendered cat", await app.Client.Run<string>("r").ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(30), Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_tool_that_silos_could_not_know_is_refused()
    {
        await using var app = await TestApp.StartAsync(g =>
        {
            g.Services.AddChatClient(new OfflineChatClient()).UseDurable(o => o.ConfigureTool = (_, tool) => tool.RunOn = "gpu");
            g.AddWorkflow<int, string>("ask", async (ctx, _) =>
                (await ctx.Services.GetRequiredService<IChatClient>().GetResponseAsync("Please render a cat", new ChatOptions { Tools = [AIFunctionFactory.Create(Tools.Render)] })).Text);
        });

        var e = await Assert.ThrowsAsync<RunFailedException>(() => app.Client.Workflow<int, string>("ask").RunAsync(0, cancellationToken: Stop));
        Assert.Equal("GRN2013", e.Error.Code);
    }

    private static IAgentBuilder Agent(IGranaryBuilder g, params string[] roles)
    {
        g.Configure(o => o.Roles = roles);
        g.AddWorkflow<int, string>("ask", async (ctx, _) => (await ctx.Agent("painter").AskAsync("Please render a cat")).Text);
        return g.AddAgent("painter").UseModel(_ => new OfflineChatClient()).AddTools<Tools>();
    }

    [RunOn("gpu")]
    private sealed class Tools
    {
        [Tool("render"), Description("Renders an animal.")]
        public static string Render([Description("The animal")] string animal = "cat") => $"rendered {animal}";
    }
}
