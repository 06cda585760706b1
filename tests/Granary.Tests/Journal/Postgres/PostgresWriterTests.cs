using System.Diagnostics;
using Granary.Journal;
using Granary.Journal.Postgres;
using Npgsql;
using Xunit;

namespace Granary.Tests.Journal.Postgres;

/// <summary>What only a database that several silos share can get wrong.</summary>
[Trait("Speed", "Slow")]
public sealed class PostgresWriterTests : IAsyncLifetime
{
    private const string Scans = "select sum(seq_scan)::bigint from pg_stat_user_tables where relname in ('runs', 'journal', 'signals', 'events', 'approvals')";

    private readonly PostgresDatabase _database = new();
    private PostgresJournalStore? _store;

    private PostgresJournalStore Store => _store!;

    public async ValueTask InitializeAsync() => _store = await PostgresJournalStore.OpenAsync(_database.ConnectionString);

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        _database.Dispose();
    }

    [Theory]
    [InlineData(256)]
    [InlineData(128)]
    public void fenced_runs_cost_three_round_trips_however_many_they_are(int fenced)
    {
        var chains = Start(256);
        Store.Write([.. chains.Take(fenced).Select(c => c.Twin(2)).Select(c => c.Next(c.Row(FactKind.Claimed, name: "silo-2:2")))]);

        var before = Store.Writer.RoundTrips;
        var outcomes = Store.Write([.. chains.Select(c => c.Next([c.Step("a1")], [new RunChange { Status = RunStatus.Running, Owner = "silo-1:100" }]))]);
        Assert.InRange(Store.Writer.RoundTrips - before, 1, 3);
        Assert.Equal(fenced, outcomes.Count(o => o.Result == UnitResult.Fenced));
        Assert.Equal(256 - fenced, outcomes.Count(o => o.Result == UnitResult.Committed));
        AssertInvariants();
    }

    [Fact]
    public void batch_is_one_round_trip()
    {
        var chains = Start(50);
        var before = Store.Writer.RoundTrips;
        Store.Write([.. chains.Select(c => c.Next([c.Step("a1")], [new RunChange { Status = RunStatus.Running }], sides: Sides(c.RunKey))), .. Enumerable.Range(100, 50).Select(i => new Chain(i).Start($"r{i}"))]);
        Assert.Equal(1, Store.Writer.RoundTrips - before);
    }

    [Fact]
    public async Task two_writers_of_the_same_runs_in_any_order_neither_lock_each_other_out_nor_break_the_chain() => await RaceAsync(200);

    [Fact]
    [Trait("Speed", "Long")]
    public async Task ten_thousand_batches_of_two_writers_neither_lock_each_other_out_nor_break_the_chain() => await RaceAsync(10_000);

    [Fact]
    public async Task starts_of_the_same_ids_from_two_silos_make_each_run_once()
    {
        await using var other = await PostgresJournalStore.OpenAsync(_database.ConnectionString);
        for (var round = 0; round < 30; round++)
        {
            var ids = Enumerable.Range(0, 20).Select(i => $"{round}-{i}").ToArray();
            var key = round * 1_000;
            var results = await Task.WhenAll(
                OnThread(() => Store.Write([.. ids.Select((id, i) => new Chain(key + i + 1).Start(id))])),
                OnThread(() => other.Write([.. ids.Reverse().Select((id, i) => new Chain(key + i + 501).Start(id))])));
            Assert.Equal(20, results.SelectMany(r => r).Count(o => o.Result == UnitResult.Committed));
            Assert.Equal(20, results.SelectMany(r => r).Count(o => o.Result == UnitResult.IdTaken));
        }

        Assert.Equal([600L, 600L], _database.Sql("select (select count(*) from granary_runs), (select count(*) from granary_journal)")[0]);
        Assert.Equal(0L, Deadlocks());
    }

    [Fact]
    public async Task tables_that_grew_after_the_start_are_never_read_whole()
    {
        // The plans are made and kept while the tables are empty.
        var scans = _database.Sql(Scans)[0][0];
        for (var i = 1; i <= 20; i++)
        {
            var chain = new Chain(i);
            Store.Write([chain.Start($"r{i}")]);
            Store.Write([chain.Next([chain.Step("a1")], [new RunChange { Status = RunStatus.Running }])]);
            Store.Write([chain.Twin().Next(chain.Step("a1")), chain.Next(chain.Step("a2"))]);
            Store.Write([chain.Next([chain.Step("a3")], [], sides: Sides(i))]);
        }

        for (var i = 0; i < 10; i++)
            Store.Write([.. Enumerable.Range(1_000 * (i + 1), 1_000).Select(key => new Chain(key).Start($"r{key}"))]);
        Assert.Equal(UnitResult.Committed, Assert.Single(Store.Write([new Chain(90_000).Start("late")])).Result);
        await Store.DisposeAsync();

        // A connection tells its counts when it ends.
        await Hosting.Eventually.TrueAsync("", "the writer's connection is gone",
            () => _database.Sql("select 1 from pg_stat_activity where application_name = 'granary writer' and datname = current_database()").Count == 0);
        Assert.Equal(scans, _database.Sql(Scans)[0][0]);
    }

    [Fact]
    public void the_steps_of_thousands_of_runs_are_read_in_seconds_though_nothing_was_analysed()
    {
        for (var batch = 0; batch < 5; batch++)
        {
            var chains = Enumerable.Range(1 + (1_000 * batch), 1_000).Select(key => new Chain(key)).ToList();
            Store.Write([.. chains.Select(chain => chain.Start($"r{chain.RunKey}"))]);
            Store.Write([.. chains.Select(chain => chain.Next(chain.Steps(8)))]);
        }

        // A condition on the view's kind and outcome must not make the planner believe in a handful of rows to be joined with all.
        var watch = Stopwatch.StartNew();
        Assert.Equal(40_000L, _database.Sql("select count(*) from (select idempotency_key, ended_at from granary_steps_v where kind = 'tool' and outcome in ('succeeded', 'retried')) s")[0][0]);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task a_silo_has_at_most_ten_connections()
    {
        Start(10);
        var most = 0L;
        using var stop = new CancellationTokenSource();
        var reads = Enumerable.Range(0, 40).Select(async _ =>
        {
            while (!stop.IsCancellationRequested)
                await Store.FindRunAsync("r1", TestContext.Current.CancellationToken);
        }).ToArray();
        var orleans = Enumerable.Range(0, 10).Select(async _ =>
        {
            while (!stop.IsCancellationRequested)
            {
                await using var command = Store.OrleansDataSource.CreateCommand("select count(*) from OrleansQuery");
                Assert.Equal(19L, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
            }
        }).ToArray();
        for (var i = 100; i < 200; i++)
        {
            Store.Write([new Chain(i).Start($"r{i}")]);
            most = Math.Max(most, (long)_database.Sql("select count(*) from pg_stat_activity where application_name like 'granary%' and datname = current_database()")[0][0]!);
        }

        await stop.CancelAsync();
        await Task.WhenAll([.. reads, .. orleans]);
        Assert.InRange(most, 2, 10);
    }

    [Fact]
    public async Task answers_lost_after_the_commit_leave_one_row_and_one_answer()
    {
        await using var proxy = new TcpProxy(_database.Port);
        await using var store = await PostgresJournalStore.OpenAsync(_database.ConnectionString.Replace($"Port={_database.Port}", $"Port={proxy.Port}"));
        var chain = new Chain(1);
        store.Write([chain.Start("r")]);
        for (var i = 1; i <= 50; i++)
        {
            AppendUnit[] batch =
            [
                chain.Next([chain.Step($"b{i:D2}")], [new RunChange { Status = RunStatus.Running, RecoveryAttempts = 1 }]),
                new Chain(100 + i).Start($"new-{i}"),
            ];
            proxy.CutNextAnswer();
            Assert.Throws<StoreUnavailableException>(() => store.Write(batch));
            Assert.Equal([UnitResult.Committed, UnitResult.Committed], store.Write(batch).Select(o => o.Result));
        }

        Assert.Equal([51L, 101L, 50L], _database.Sql("""
            select (select count(*) from granary_journal where run_key = 1), (select count(*) from granary_journal),
              (select recovery_attempts from granary_runs where key = 1)
            """)[0]);
        AssertInvariants();
    }

    [Fact]
    public async Task a_commit_that_is_still_under_way_when_the_batch_is_sent_again_is_waited_for_and_recognised()
    {
        await using var proxy = new TcpProxy(_database.Port);
        await using var store = await PostgresJournalStore.OpenAsync(_database.ConnectionString.Replace($"Port={_database.Port}", $"Port={proxy.Port}"));
        var chain = new Chain(1);
        store.Write([chain.Start("r")]);
        AppendUnit[] batch = [chain.Next([chain.Step("a1")], [new RunChange { Status = RunStatus.Running, RecoveryAttempts = 1 }])];

        // The server can't go on with the first try while this transaction has the run's row.
        await using var holder = new NpgsqlConnection(_database.ConnectionString);
        await holder.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await holder.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var hold = new NpgsqlCommand("select 1 from granary.runs for no key update", holder, transaction))
            await hold.ExecuteScalarAsync(TestContext.Current.CancellationToken);

        var first = OnThread(() => store.Write(batch));
        await WaitersAsync(1);
        proxy.Cut();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => first);

        // A look finds nothing, and yet it will be there: only sending again tells.
        Assert.Equal(1, (await Store.ReadHeadAsync(1, TestContext.Current.CancellationToken))!.Value.Seq);
        var again = OnThread(() => store.Write(batch));
        await WaitersAsync(2);
        await transaction.CommitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(UnitResult.Committed, Assert.Single(await again).Result);
        Assert.Equal([2L, 1L], _database.Sql("select (select count(*) from granary_journal), (select recovery_attempts from granary_runs)")[0]);

        Task WaitersAsync(int count) => Hosting.Eventually.TrueAsync("", $"{count} writes wait for the lock",
            () => _database.Sql("select 1 from pg_stat_activity where application_name = 'granary writer' and datname = current_database() and wait_event_type = 'Lock'").Count == count);
    }

    [Fact]
    public async Task a_silo_that_stops_with_its_batch_under_way_holds_up_nobody()
    {
        await using var proxy = new TcpProxy(_database.Port);
        await using var store = await PostgresJournalStore.OpenAsync(_database.ConnectionString.Replace($"Port={_database.Port}", $"Port={proxy.Port}"));
        var chain = new Chain(1);
        store.Write([chain.Start("r")]);
        proxy.HoldAnswers();
        var stopped = OnThread(() => store.Write([chain.Next([chain.Step("a1")], [new RunChange { Status = RunStatus.Running }])]));
        await Hosting.Eventually.TrueAsync("", "the server has done it", () => _database.Sql("select 1 from granary_journal where seq = 2").Count == 1);

        var clock = Stopwatch.StartNew();
        var head = (await Store.ReadHeadAsync(1, TestContext.Current.CancellationToken))!.Value;
        var claim = Chain.At(1, head.Seq, head.AppendId, 2);
        Assert.Equal(UnitResult.Committed, Assert.Single(Store.Write([claim.Next([claim.Row(FactKind.Claimed)], [new RunChange { Status = RunStatus.Running, Owner = "silo-2:2" }])])).Result);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));

        // It wakes: what it had sent is its own, what it sends now isn't kept.
        proxy.LetAnswersGo();
        Assert.Equal(UnitResult.Committed, Assert.Single(await stopped).Result);
        Assert.Equal(UnitResult.Fenced, Assert.Single(store.Write([chain.Next(chain.Step("a2"))])).Result);
        AssertInvariants();
    }

    [Fact]
    public void writer_goes_on_after_its_connection_was_ended()
    {
        var chain = Start(1)[0];
        _database.Sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'granary writer' and datname = current_database()");
        AppendUnit[] batch = [chain.Next(chain.Step("a1"))];
        Assert.Throws<StoreUnavailableException>(() => Store.Write(batch));
        Assert.Equal(UnitResult.Committed, Assert.Single(Store.Write(batch)).Result);
    }

    [Fact]
    public void key_that_no_index_can_hold_fails_its_own_unit_only()
    {
        var chains = Start(3);
        var bytes = new byte[6_000];
        new Random(1).NextBytes(bytes);
        var outcomes = Store.Write([.. chains.Select(c => c.Unit([c.Step("a1")], [], sides: [new SignalKeyRow($"r{c.RunKey}", c.RunKey == 2 ? Convert.ToBase64String(bytes) : "k", "t")]))]);
        Assert.Equal([UnitResult.Committed, UnitResult.Rejected, UnitResult.Committed], outcomes.Select(o => o.Result));
        Assert.Equal([["r1"], ["r3"]], _database.Sql("select run_id from granary_signals order by 1"));
    }

    /// <summary>One of each kind.</summary>
    private static SideRow[] Sides(long run) =>
    [
        new SignalKeyRow($"r{run}", "k", "t"),
        new EventRow($"r{run}", "state", "a1", Chain.Json("1")),
        new ApprovalRow { Id = $"p{run}", RunId = $"r{run}", Workflow = "w", StepKey = "a1", Question = "?" },
        new ApprovalClosedRow { Id = $"p{run}", Decision = "approved" },
    ];

    private Chain[] Start(int runs)
    {
        var chains = Enumerable.Range(1, runs).Select(i => new Chain(i)).ToArray();
        Assert.All(Store.Write([.. chains.Select(c => c.Start($"r{c.RunKey}"))]), o => Assert.Equal(UnitResult.Committed, o.Result));
        return chains;
    }

    /// <summary>Two silos take the same runs from each other, each batch in an order of its own.</summary>
    private async Task RaceAsync(int batches)
    {
        const int Runs = 12;
        Start(Runs);
        await using var other = await PostgresJournalStore.OpenAsync(_database.ConnectionString);
        var committed = await Task.WhenAll(OnThread(() => Play(Store, new Random(1))), OnThread(() => Play(other, new Random(2))));

        Assert.All(committed, count => Assert.InRange(count, 1, long.MaxValue));
        Assert.Equal(committed.Sum() + Runs, (long)_database.Sql("select count(*) from granary_journal")[0][0]!);
        Assert.Equal(0L, Deadlocks());
        AssertInvariants(fenced: """
            select run_key, seq from (
              select run_key, seq, epoch, max(epoch) filter (where kind = 'Claimed') over (partition by run_key order by seq) as claimed from granary_journal_v) j
            where epoch < claimed
            """);

        long Play(PostgresJournalStore store, Random random)
        {
            var rows = 0L;
            for (var i = 0; i < batches; i++)
            {
                var keys = Enumerable.Range(1, Runs).ToArray();
                random.Shuffle(keys);
                var units = keys.Take(random.Next(1, Runs)).Select(key =>
                {
                    var head = store.ReadHeadAsync(key, CancellationToken.None).GetAwaiter().GetResult()!.Value;
                    var chain = Chain.At(key, head.Seq, head.AppendId, head.Epoch + 1);
                    return chain.Next([chain.Row(FactKind.Claimed), chain.Step("a1")], [new RunChange { Status = RunStatus.Running, Owner = "silo:1" }], sides: Sides(key));
                }).ToArray();
                rows += 2 * store.Write(units).Count(o => o.Result == UnitResult.Committed);
            }

            return rows;
        }
    }

    private long Deadlocks() => (long)_database.Sql("select deadlocks from pg_stat_database where datname = current_database()")[0][0]!;

    /// <param name="fenced">FENCED as one pass: the documented form compares each row of a run with each claim of it.</param>
    private void AssertInvariants(string? fenced = null)
    {
        foreach (var (name, sql) in JournalInvariants.All)
            Assert.True(_database.Sql(name == "FENCED" ? fenced ?? sql : sql) is [], $"{name} is broken.");
    }

    private static Task<T> OnThread<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
