using System.Net;
using Granary.Tests.Hosting;
using Microsoft.Extensions.AI;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>An agent's model that is called on a silo of a role, though its runs and tools are elsewhere.</summary>
[Trait("Speed", "Slow")]
public sealed class RemoteModelTests
{
    private const int Runs = 8;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task only_silos_of_the_role_call_the_model_and_its_passing_failures_are_tried_again()
    {
        var server = PostgresServer.Shared;
        var database = server.NewDatabase();
        try
        {
            var connection = server.ConnectionString(database);
            using var plainModel = new CountingModel(failures: 0);
            using var ownModel = new CountingModel(failures: 1);
            await using var plain = await Silo.StartAsync(connection, g => Agent(g, plainModel));
            await using var worker = await Silo.StartAsync(connection, g => Agent(g, ownModel).Granary.Configure(o => o.Roles = ["model"]));

            var answers = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i =>
                plain.Client.Workflow<int, string>("ask").RunAsync(i, new() { Id = $"r{i}" }, Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop)));

            Assert.All(answers, answer => Assert.Contains("Rome: 21 degrees", answer, StringComparison.Ordinal));
            Assert.Equal((0, (2 * Runs) + 1), (plainModel.Calls, ownModel.Calls));
            var owners = PostgresServer.Query(connection, "select distinct silo from granary.steps_v where kind = 'llm'");
            Assert.True(owners.Count == 2, "Runs lie on both silos, or nothing was sent.");
            Assert.Equal([["retried", 1L], ["succeeded", 2L * Runs]], PostgresServer.Query(connection, "select outcome, count(*) from granary.steps_v where kind = 'llm' and outcome <> 'running' group by 1 order by 1"));
        }
        finally
        {
            server.DropDatabase(database);
        }
    }

    private static IAgentBuilder Agent(IGranaryBuilder g, CountingModel model)
    {
        g.AddWorkflow<int, string>("ask", async (ctx, _) => (await ctx.Agent("weather").AskAsync("What is the weather in Rome?")).Text);
        return g.AddAgent("weather", "Answer questions about the weather.").UseModel(_ => model)
            .Configure(a =>
            {
                a.RunModelOn = "model";
                a.ModelRetry = new(3) { Delay = TimeSpan.FromMilliseconds(10) };
            })
            .AddTool("get_weather", (string city) => $"{city}: 21 degrees");
    }

    /// <summary>Counts the calls; the first ones fail as an overloaded provider would.</summary>
    private sealed class CountingModel(int failures) : DelegatingChatClient(new OfflineChatClient())
    {
        private int _calls;

        public int Calls => _calls;

        public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Interlocked.Increment(ref _calls) <= failures
                ? throw new HttpRequestException("overloaded", null, HttpStatusCode.ServiceUnavailable)
                : base.GetResponseAsync(messages, options, cancellationToken);
    }
}
