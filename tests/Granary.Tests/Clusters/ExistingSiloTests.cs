using Granary.Tests.Hosting;
using Granary.Tests.Journal;
using Granary.Tests.Journal.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.TestingHost;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>Granary in a cluster that Orleans' own test host sets up: three silos in this process, over one database.</summary>
[Trait("Speed", "Slow")]
public sealed class ExistingSiloTests : IAsyncLifetime
{
    private const int Runs = 30;

    private readonly PostgresDatabase _database = new();
    private readonly Gate _gate = new();
    private InProcessTestCluster _cluster = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(3);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) => silo.UseInMemoryReminderService().AddGranary(granary => granary
            .Configure(o => o.ConnectionString = _database.ConnectionString)
            .AddWorkflow<int, int>("held", async (ctx, n) =>
            {
                var square = await ctx.StepAsync("square", _ => Task.FromResult(n * n));
                await ctx.StepAsync("hold", _gate.PassAsync);
                return square;
            })));
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task runs_started_through_one_silo_spread_over_all_and_end_at_the_clients_of_the_others()
    {
        await StartAsync();
        Assert.Equal(_cluster.Silos.Count, _database.Sql("select distinct owner from granary_runs_v").Count);

        var results = Task.WhenAll(Enumerable.Range(0, Runs).Select(i => Client(1 + (i % 2)).Run<int>($"r{i}").ResultAsync(Stop)));
        _gate.Open();
        Assert.Equal(Enumerable.Range(0, Runs).Select(i => i * i), await results.WaitAsync(TimeSpan.FromSeconds(60), Stop));
        AssertSound();
    }

    [Fact]
    public async Task a_silo_that_is_stopped_hands_its_runs_over_and_nothing_is_charged()
    {
        await StartAsync();
        var leaving = _cluster.Silos[1];
        var owner = leaving.SiloAddress.ToParsableString();
        var handedOver = (long)_database.Sql($"select count(*) from granary_runs_v where owner = '{owner}'")[0][0]!;
        await _cluster.StopSiloAsync(leaving, Stop);
        _gate.Open();

        var results = Task.WhenAll(Enumerable.Range(0, Runs).Select(i => Client(1).Run<int>($"r{i}").ResultAsync(Stop)));
        Assert.Equal(Enumerable.Range(0, Runs).Select(i => i * i), await results.WaitAsync(TimeSpan.FromSeconds(90), Stop));
        Assert.Equal([["succeeded", 0L, (long)Runs]], _database.Sql("select status, recovery_attempts, count(*) from granary_runs_v group by 1, 2"));
        Assert.Equal([[handedOver]], _database.Sql("select count(*) from granary_journal_v where kind = 'Released'"));
        Assert.NotEqual(0, handedOver);
        AssertSound();
    }

    /// <summary>Starts runs through the first silo; completes when each stands in its second step.</summary>
    private async Task StartAsync()
    {
        var workflow = Client(0).Workflow<int, int>("held");
        await Task.WhenAll(Enumerable.Range(0, Runs).Select(i => workflow.StartAsync(i, new() { Id = $"r{i}" }, Stop)));
        var giveUp = DateTimeOffset.UtcNow.AddSeconds(60);
        while (_gate.Passes < Runs)
        {
            Assert.True(DateTimeOffset.UtcNow < giveUp, $"{_gate.Passes} of {Runs} runs came to the gate.");
            await Task.Delay(20, Stop);
        }
    }

    private IGranaryClient Client(int silo) => _cluster.Silos[silo].ServiceProvider.GetRequiredService<IGranaryClient>();

    private void AssertSound() => Assert.All(JournalInvariants.All, invariant => Assert.Empty(_database.Sql(invariant.Sql)));
}
