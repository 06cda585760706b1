using Granary.Tests.Crashes;
using Granary.Tests.Hosting;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>What an activation has queued behind a refused append is refused as well, though its numbers are free.</summary>
public sealed class PipelineTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task outcomes_on_their_way_while_another_claims_are_all_refused_and_come_once_each()
    {
        using var data = new TestDatabase();
        Gate[] gates = [new(), new(), new(), new()];
        var bodies = new int[4];
        void App(IGranaryBuilder g) => g.AddWorkflow<int, int>("wide", async (ctx, _) =>
        {
            var steps = Enumerable.Range(0, 4).Select(i => ctx.StepAsync($"step {i}", async step =>
            {
                await gates[i].PassAsync(step);
                Interlocked.Increment(ref bodies[i]);
                return i;
            })).ToArray();
            var sum = 0;
            foreach (var step in steps)
                sum += await step;
            return sum;
        });

        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Workflow<int, int>("wide").StartAsync(0, new() { Id = "run" }, Stop);
            await Task.WhenAll(gates.Select(g => g.Reached)).WaitAsync(Stop);
            await app.KeeperHasLookedAsync();

            // The writer waits for this transaction: the first outcome is with it, the others queue behind.
            using (var holder = new SqliteConnection($"Data Source={data.Path};Pooling=False"))
            {
                holder.Open();
                Execute(holder, "begin immediate");
                for (var i = 0; i < gates.Length; i++)
                {
                    var at = i;
                    gates[i].Open();
                    await Eventually.TrueAsync(data.Path, "the body ends", () => Volatile.Read(ref bodies[at]) == 1);
                }

                Execute(holder, $"""
                    insert into granary_journal (run_key, seq, epoch, append_id, kind, name, attempt, committed_at)
                    select run_key, 2, 2, 7, 'Claimed', '{Usurper.Incarnation}', 0, committed_at + 1 from granary_journal where seq = 1;
                    update granary_runs set owner = '{Usurper.Incarnation}';
                    commit
                    """);
            }

            await Eventually.TrueAsync(data.Path, "the activation learns that it has lost the run", () => app.Log.Lines.Any(l => l.Text.Contains("another activation claimed it", StringComparison.Ordinal)));
        }

        Assert.Equal([["Started", 1L], ["Claimed", 2L]], data.Query("select kind, epoch from granary_journal_v where kind <> 'StepRunning' order by seq"));

        await using (var app = await data.StartAsync(App))
            Assert.Equal(6, await app.Client.Run<int>("run").ResultAsync(Stop));
        Assert.Equal([2, 2, 2, 2], bodies);
        Assert.Equal(4, data.Count("run", "StepSucceeded"));
        Invariants.AssertHold(data.Path);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
