using Granary.Activities;
using Granary.Journal;
using Granary.Silo.Hosting;
using Granary.Tests.Hosting;
using Granary.Tests.Journal;
using Granary.Tests.Journal.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>One connection string makes a silo of a cluster.</summary>
[Trait("Speed", "Slow")]
public sealed class PostgresSiloTests : IDisposable
{
    private readonly PostgresDatabase _database = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _database.Dispose();

    [Fact]
    public async Task a_silo_under_load_has_at_most_ten_connections()
    {
        await using var silo = await StartAsync();
        var most = 0L;
        using var over = new CancellationTokenSource();
        var watching = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                most = Math.Max(most, (long)_database.Sql($"select count(*) from pg_stat_activity where datname = '{_database.Name}' and application_name like 'granary%'")[0][0]!);
                await Task.Delay(5, CancellationToken.None);
            }
        }, Stop);
        var runs = await Task.WhenAll(Enumerable.Range(0, 300).Select(i => silo.Client.Workflow<int, int>("square").RunAsync(i, cancellationToken: Stop)));
        await Task.WhenAll(Enumerable.Range(0, 300).Select(i => silo.Client.Workflow<int, int>("square").StartAsync(i, new() { Id = $"twice {i % 50}" }, Stop)));
        await over.CancelAsync();
        await watching;
        Assert.Equal(Enumerable.Range(0, 300).Select(i => i * i), runs);
        Assert.InRange(most, 4, 10);
        AssertSound();
    }

    [Fact]
    public async Task keepers_of_a_live_cluster_keep_their_state_in_the_database()
    {
        await using var silo = await StartAsync();
        await EventuallyAsync("all keepers have swept", () => (long)_database.Sql("select count(*) from granary.OrleansStorage where GrainTypeString like '%keeper%' and PayloadBinary is not null")[0][0]! == 16);
        Assert.Equal([[16L]], _database.Sql("select count(*) from granary.OrleansRemindersTable where GrainId like 'granary.keeper/%'"));
        var state = (string)_database.Sql("select convert_from(PayloadBinary, 'UTF8') from granary.OrleansStorage where GrainTypeString like '%keeper%' limit 1")[0][0]!;
        Assert.Contains("\"lastSweep\":\"", state, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Scenario", "I-02")]
    public async Task fifty_starts_of_one_id_in_three_silos_make_one_run()
    {
        await using var a = await StartAsync();
        await using var b = await StartAsync();
        await using var c = await StartAsync();
        Silo[] silos = [a, b, c];
        var bodies = Volatile.Read(ref _bodies);
        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => silos[i % 3].Client.Workflow<int, int>("square").RunAsync(7, new() { Id = "one" }, Stop)));
        Assert.Equal(Enumerable.Repeat(49, 50), results);
        Assert.Equal(bodies + 1, Volatile.Read(ref _bodies));
        Assert.Equal([["running", 0L]], _database.Sql("select 'running', count(*) from granary_runs where status <> 'succeeded'"));

        // Runs are spread over the silos.
        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => silos[i % 3].Client.Workflow<int, int>("square").RunAsync(i, cancellationToken: Stop)));
        Assert.Equal([[3L]], _database.Sql("select count(distinct silo) from granary_steps_v"));
        AssertSound();
    }

    [Fact]
    public async Task silos_tell_each_other_their_roles()
    {
        await using var plain = await StartAsync();
        await using var worker = await StartAsync(g => g.Configure(o => o.Roles = ["worker"]));
        var address = worker.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;
        await EventuallyAsync("the role is seen", () =>
            plain.Services.GetRequiredService<ISiloMetadataCache>().GetSiloMetadata(address).Metadata.GetValueOrDefault(SiloRoles.MetadataKey) == "worker");
    }

    [Fact]
    public async Task due_times_and_rows_follow_the_databases_clock()
    {
        // The machine is an hour ahead, and then set back by two.
        var skewed = new SkewedTime(TimeSpan.FromHours(1));
        await using var silo = await StartAsync(time: skewed);
        var clock = silo.Services.GetRequiredService<StoreClock>();
        Assert.InRange(clock.Offset, TimeSpan.FromMinutes(-61), TimeSpan.FromMinutes(-59));
        Assert.InRange(clock.GetUtcNow() - TimeProvider.System.GetUtcNow(), TimeSpan.FromSeconds(-1), TimeSpan.FromSeconds(1));
        var run = silo.Client.Workflow<int, string>("sleeper").RunAsync(2, cancellationToken: Stop);
        skewed.Skew = TimeSpan.FromHours(-1);
        var slept = TimeSpan.Parse(await run, System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(slept, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4));
        Assert.Equal([[0L]], _database.Sql("select count(*) from granary_journal_v where committed_at not between now() - interval '1 minute' and now() + interval '1 second'"));
        Assert.Equal([[0L]], _database.Sql("select count(*) from granary.OrleansMembershipTable where IAmAliveTime not between now() - interval '1 minute' and now() + interval '1 minute'"));
        AssertSound();
    }

    [Fact]
    public async Task what_waits_for_a_workflow_goes_on_with_the_silo_that_has_it()
    {
        await using (var old = await StartAsync())
        {
            await old.Client.Workflow<int, string>("later").StartAsync(1, new() { Id = "l" }, Stop);
            Assert.Equal([["waiting", "version"]], _database.Sql("select status, waiting_on from granary_runs_v"));
        }

        await using var next = await StartAsync(g => g.AddWorkflow<int, string>("later", (_, n) => Task.FromResult($"now {n}")));
        Assert.Equal("now 1", await next.Client.Run<string>("l").ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(20), Stop));
    }

    private static int _bodies;

    private Task<Silo> StartAsync(Action<IGranaryBuilder>? configure = null, TimeProvider? time = null) => Silo.StartAsync(_database.ConnectionString, granary =>
    {
        granary.AddWorkflow<int, int>("square", (ctx, n) => ctx.StepAsync("square", _ =>
        {
            Interlocked.Increment(ref _bodies);
            return Task.FromResult(n * n);
        }));
        granary.AddWorkflow<int, string>("sleeper", async (ctx, seconds) =>
        {
            var before = ctx.UtcNow;
            await ctx.SleepAsync(TimeSpan.FromSeconds(seconds));
            return (ctx.UtcNow - before).ToString();
        });
        granary.Configure(o => o.ParkAfter = TimeSpan.FromSeconds(1));
        configure?.Invoke(granary);
    }, time);

    private void AssertSound() => Assert.All(JournalInvariants.All, invariant => Assert.Empty(_database.Sql(invariant.Sql)));

    private static async Task EventuallyAsync(string what, Func<bool> holds)
    {
        var giveUp = DateTimeOffset.UtcNow.AddSeconds(30);
        while (!holds())
        {
            Assert.True(DateTimeOffset.UtcNow < giveUp, $"Not within 30 s: {what}.");
            await Task.Delay(20, Stop);
        }
    }

    /// <summary>A machine whose clock is wrong; its stopwatch is right.</summary>
    private sealed class SkewedTime(TimeSpan skew) : TimeProvider
    {
        public TimeSpan Skew { get; set; } = skew;

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Skew;
    }
}
