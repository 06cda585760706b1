using System.Security.Cryptography;
using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>An activation that lost its claim records nothing more, and its code never goes on.</summary>
public sealed class FencingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_foreign_claim_ends_the_code_and_lets_go_its_bodies()
    {
        using var data = new TestDatabase();
        var quick = new Gate();
        var (heldBegan, heldStopped, wentOn) = (Completion(), Completion(), 0);
        void App(IGranaryBuilder g) => g.AddWorkflow<int, string>("run", async (ctx, _) =>
        {
            var held = ctx.StepAsync("held", async step =>
            {
                if (step.Epoch > 1)
                    return "held";
                heldBegan.SetResult();
                using var stopped = step.CancellationToken.Register(heldStopped.SetResult);
                await heldStopped.Task;
                return "too late";
            });
            await ctx.StepAsync("quick", quick.PassAsync);
            Interlocked.Increment(ref wentOn);
            return await held;
        });

        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Workflow<int, string>("run").StartAsync(0, new() { Id = "run" }, Stop);
            await Task.WhenAll(quick.Reached, heldBegan.Task).WaitAsync(Stop);
            await app.KeeperHasLookedAsync();
            Claim(data);
            quick.Open();
            await Eventually.DoneAsync(data.Path, "the other body's token fires", heldStopped.Task);
            Assert.Contains(app.Log.Lines, l => l.Text.Contains("Run 'run': another activation claimed it; this one (epoch 1) stops.", StringComparison.Ordinal));
        }

        Assert.Equal(0, wentOn);
        Assert.Equal([["Started", 1L], ["Claimed", 2L]], data.Query("select kind, epoch from granary_journal_v where kind <> 'StepRunning' order by seq"));

        await using (var app = await data.StartAsync(App))
        {
            Assert.Equal("held", await app.Client.Run<string>("run").ResultAsync(Stop));

            // The owner of epoch 2 was another process that is gone: that is a death, and charged.
            Assert.Equal(1, (await app.Client.Run("run").InfoAsync(Stop)).RecoveryAttempts);
        }

        Assert.Equal(1, wentOn);
        Invariants.AssertHold(data.Path);
    }

    private static TaskCompletionSource Completion() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The claim of another process, as it would write it.</summary>
    private static void Claim(TestDatabase data) => data.Execute($"""
        begin immediate;
        insert into granary_journal (run_key, seq, epoch, append_id, kind, name, attempt, committed_at)
          select run_key, max(seq) + 1, max(epoch) + 1, {RandomNumberGenerator.GetInt32(1, int.MaxValue)}, 'Claimed', 'S127.0.0.1:1:1', 0, max(committed_at) + 1
          from granary_journal group by run_key;
        update granary_runs set owner = 'S127.0.0.1:1:1', status = 'running';
        commit;
        """);
}
