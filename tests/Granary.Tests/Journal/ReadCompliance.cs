using Granary.Journal;
using Granary.Runs;
using Xunit;

namespace Granary.Tests.Journal;

/// <summary>What is read back, in which pages, and which runs are found.</summary>
public abstract class ReadCompliance : RunRowCompliance
{
    [Fact]
    public async Task head_is_the_last_row()
    {
        var run = Started("r");
        Assert.Null(await Store.ReadHeadAsync(99, TestContext.Current.CancellationToken));
        Commit(run.Next([run.Step("a1"), run.Step("a2")], [], at: 3));

        var head = await Store.ReadHeadAsync(1, TestContext.Current.CancellationToken);
        Assert.Equal(new JournalHead(3, run.AppendId, 1, FactKind.StepSucceeded, Chain.Noon.AddSeconds(3)), head);
    }

    [Fact]
    public async Task rows_are_read_back_as_they_were_written()
    {
        var run = Started("r");
        var failed = run.Step("a1", FactKind.StepRetried, attempt: 2) with { DueAt = Chain.Noon.AddMinutes(7), Output = new Payload("json+br", [9, 0, 9]) };
        Commit(run.Next(failed, run.Row(FactKind.Parked)));

        var rows = await Rows(1, 2, 3);
        Assert.Equal(
            failed with { Fingerprint = null, Input = null, Output = null, Error = null },
            rows[0] with { Fingerprint = null, Input = null, Output = null, Error = null });
        Assert.Equal(failed.Fingerprint, rows[0].Fingerprint);
        AssertSame(failed.Input, rows[0].Input);
        AssertSame(failed.Output, rows[0].Output);
        Assert.Equal(failed.Error, rows[0].Error);

        var bare = rows[1];
        Assert.Equal((null, null, null), (bare.StepKey, bare.StepKind, bare.Name));
        Assert.Equal((null, null), (bare.DueAt, bare.StartedAt));
        Assert.Null(bare.Fingerprint ?? bare.Error);
        Assert.Null(bare.Input ?? bare.Output);
    }

    [Fact]
    public async Task range_includes_both_ends_and_stops_at_the_journal_s_end()
    {
        var run = Started("r");
        Commit(run.Next(run.Steps(9)));
        Started("other", key: 2);
        Assert.Equal([3, 4, 5], (await Rows(1, 3, 5)).Select(r => r.Seq));
        Assert.Equal([9, 10], (await Rows(1, 9, long.MaxValue)).Select(r => r.Seq));
        Assert.Empty(await Rows(1, 11, 20));
        Assert.Empty(await Rows(1, 5, 4));
    }

    [Fact]
    [Trait("Scenario", "X-10")]
    public async Task twenty_thousand_rows_are_read_in_fewer_than_fifty_pages()
    {
        var run = Started("r");
        for (var batch = 0; batch < 20; batch++)
            Commit(run.Next(run.Steps(1_000, payloadBytes: 1_000)));

        var pages = await Pages(1, 1, 20_001);
        Assert.InRange(pages.Count, 1, 49);
        Assert.Equal(Enumerable.Range(1, 20_001).Select(i => (long)i), pages.SelectMany(p => p).Select(r => r.Seq));
    }

    [Fact]
    public async Task page_of_large_payloads_is_bounded_in_bytes()
    {
        var run = Started("r");
        for (var i = 0; i < 6; i++)
            Commit(run.Next(run.Steps(2, payloadBytes: 1 << 20)));

        var pages = await Pages(1, 1, 13);
        Assert.All(pages, page => Assert.InRange(page.Sum(r => r.Bytes), 1, 6 << 20));
        Assert.Equal(13, pages.Sum(p => p.Count));
    }

    [Fact]
    public async Task cancelled_read_ends()
    {
        Started("r");
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.FindRunAsync("r", cancelled.Token));
    }

    [Fact]
    public async Task orphans_are_the_runs_that_somebody_must_take_over()
    {
        var due = Chain.Noon.AddHours(1);
        Row(1, RunStatus.Running, owner: Me);
        Row(2, RunStatus.Running, owner: "dead:1");
        Row(3, RunStatus.Waiting, owner: "dead:1", waitingOn: "timer", wakeAt: due);
        Row(4, RunStatus.Waiting, owner: Me, waitingOn: "timer", wakeAt: due);
        Row(5, RunStatus.Waiting, owner: null, waitingOn: "timer", wakeAt: due);
        Row(6, RunStatus.Waiting, owner: null, waitingOn: "signal");
        Row(7, RunStatus.Waiting, owner: null, waitingOn: "version");
        Row(8, RunStatus.Running, owner: null);
        Row(9, RunStatus.Queued, owner: null);
        Row(10, RunStatus.Delayed, owner: null, wakeAt: due);
        Row(11, RunStatus.Succeeded, owner: null);

        var orphans = await Orphans(Me);
        Assert.Equal(["r2", "r3", "r7", "r8"], orphans.Select(o => o.Id));
        Assert.Equal(new OrphanedRun("r3", "weather", RunStatus.Waiting, "timer", "dead:1"), orphans[1]);
        Assert.Equal(["r1", "r4", "r7", "r8"], (await Orphans("dead:1")).Select(o => o.Id));
        Assert.Equal(["r7", "r8"], (await Orphans(null)).Select(o => o.Id));
        Assert.Equal(["r1", "r4"], await Store.FindOwnedAsync(Me, TestContext.Current.CancellationToken));
        Assert.Empty(await Store.FindOwnedAsync("nobody", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task runs_that_lack_a_workflow_are_found_by_whom_has_it()
    {
        static byte[] Error(string code) => RunHistory.WriteError(new RunError("Granary.GranaryException", "what", code));
        Waiting(1, "weather", 1, Error("GRN1803"));
        Waiting(2, "weather", 2, Error("GRN1803"));
        Waiting(3, "other", 1, Error("GRN1803"));
        Waiting(4, "weather", 1, Error("GRN1203"));
        Waiting(5, "weather", 1, error: null);
        Row(6, RunStatus.Running, owner: null);

        Assert.Equal(["r1"], (await Lacking(("weather", 1))).Select(o => o.Id));
        Assert.Equal(new OrphanedRun("r1", "weather", RunStatus.Waiting, "version", null), (await Lacking(("weather", 1)))[0]);
        Assert.Equal(["r2", "r3"], (await Lacking(("weather", 2), ("other", 1), ("third", 1))).Select(o => o.Id));
        Assert.Empty(await Lacking());
    }

    [Fact]
    public async Task orphans_come_in_pages_in_the_order_of_their_keys()
    {
        Store.Write([.. Enumerable.Range(1, 2_300).Select(i => new Chain(i).Start($"r{i}", i % 2 == 0 ? "dead:1" : null))]);

        var pages = new List<IReadOnlyList<OrphanedRun>>();
        await foreach (var page in Store.FindOrphansAsync(Me, TestContext.Current.CancellationToken))
            pages.Add(page);
        Assert.All(pages, page => Assert.InRange(page.Count, 1, 1_000));
        Assert.Equal(Enumerable.Range(1, 2_300).Select(i => $"r{i}"), pages.SelectMany(p => p).Select(o => o.Id));
    }

    private void Row(long key, RunStatus status, string? owner, string? waitingOn = null, DateTimeOffset? wakeAt = null)
    {
        var chain = new Chain(key);
        Commit(chain.Next([chain.Row(FactKind.Started)], [], Chain.Run(key, $"r{key}", owner) with { Status = status, WaitingOn = waitingOn, WakeAt = wakeAt }));
    }

    private void Waiting(long key, string workflow, int version, byte[]? error)
    {
        var chain = new Chain(key);
        Commit(chain.Next([chain.Row(FactKind.Started)], [], Chain.Run(key, $"r{key}", owner: null) with { Workflow = workflow, WorkflowVersion = version, Status = RunStatus.Waiting, WaitingOn = "version", Error = error }));
    }

    private async Task<List<OrphanedRun>> Lacking(params (string Name, int Version)[] workflows)
    {
        var found = new List<OrphanedRun>();
        await foreach (var page in Store.FindLackingAsync("GRN1803", workflows, TestContext.Current.CancellationToken))
            found.AddRange(page);
        return found;
    }

    private async Task<List<OrphanedRun>> Orphans(string? incarnation)
    {
        var orphans = new List<OrphanedRun>();
        await foreach (var page in Store.FindOrphansAsync(incarnation, TestContext.Current.CancellationToken))
            orphans.AddRange(page);
        return orphans;
    }

    private async Task<List<IReadOnlyList<JournalRow>>> Pages(long runKey, long from, long to)
    {
        var pages = new List<IReadOnlyList<JournalRow>>();
        await foreach (var page in Store.ReadAsync(runKey, from, to, TestContext.Current.CancellationToken))
            pages.Add(page);
        return pages;
    }

    private async Task<List<JournalRow>> Rows(long runKey, long from, long to) => [.. (await Pages(runKey, from, to)).SelectMany(p => p)];
}
