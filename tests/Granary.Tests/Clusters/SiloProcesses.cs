using Granary.Tests.Crashes;
using Granary.Tests.Hosting;
using Granary.Tests.Journal;
using Granary.Tests.Journal.Postgres;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>Silos as processes of their own over one Postgres database, to be killed, stopped and paused.</summary>
internal sealed class SiloProcesses : IAsyncDisposable
{
    private readonly List<ChildProcess> _all = [];
    private readonly Dictionary<string, ChildProcess> _incarnations = new(StringComparer.Ordinal);
    private readonly string _folder = Directory.CreateTempSubdirectory("granary-cluster-").FullName;
    private readonly PostgresServer _server;
    private readonly bool _isFast;
    private readonly IReadOnlyDictionary<string, string> _environment;

    /// <param name="server">A server of the test's own; else the shared one.</param>
    /// <param name="isFast">Whether a silent silo is declared dead early.</param>
    /// <param name="environment">More of the silos' environment.</param>
    public SiloProcesses(PostgresServer? server = null, bool isFast = false, IReadOnlyDictionary<string, string>? environment = null)
    {
        _environment = environment ?? new Dictionary<string, string>();
        _server = server ?? PostgresServer.Shared;
        _isFast = isFast;
        Database = _server.NewDatabase();
    }

    public string Database { get; }

    public string Connection => _server.ConnectionString(Database);

    public IReadOnlyList<Effect> Effects => Effect.Read(EffectsPath);

    private string EffectsPath => Path.Combine(_folder, "effects");

    public async Task<IReadOnlyList<ChildProcess>> StartAsync(int count) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(_ => StartAsync()));

    /// <param name="role">The silo's role.</param>
    /// <param name="without">A workflow that its build lacks.</param>
    /// <param name="environment">Its environment instead of the others'.</param>
    public async Task<ChildProcess> StartAsync(string? role = null, string? without = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var silo = ChildProcess.Start(Programs.CrashHost, ["serve", "-", Connection, EffectsPath], new Dictionary<string, string>(environment ?? _environment) { ["GRANARY_FAST"] = _isFast ? "1" : "0", ["GRANARY_ROLE"] = role ?? "", ["GRANARY_WITHOUT"] = without ?? "" }, folder: _folder);
        lock (_all)
            _all.Add(silo);
        var ready = await silo.LineAsync(l => l.StartsWith("ready ", StringComparison.Ordinal));
        lock (_all)
            _incarnations[ready.Split(' ')[1]] = silo;
        return silo;
    }

    /// <summary>Reads the database as a person with a SQL tool would; names as on SQLite.</summary>
    public List<object?[]> Query(string sql) => PostgresServer.Query(Connection, sql.Replace("granary_", "granary."));

    public T One<T>(string sql) => (T)Query(sql)[0][0]!;

    /// <summary>Waits for what the database must come to show; a deadline that passes tells all.</summary>
    public async Task TrueAsync(string what, Func<bool> holds, double seconds = 60)
    {
        var giveUp = DateTimeOffset.UtcNow.AddSeconds(seconds);
        while (!holds())
        {
            if (DateTimeOffset.UtcNow > giveUp)
                Assert.Fail($"Not within {seconds} s: {what}.\n{Story()}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Which process executes a step's body, as soon as it has begun.</summary>
    public async Task<ChildProcess> ExecutorOfAsync(string key, string journal)
    {
        bool Is(Effect e) => e.Begins && e.Key == key && e.Journal == journal;
        await TrueAsync($"{key} begins", () => Effects.Any(Is));
        var pid = Effects.Last(Is).Pid;
        lock (_all)
            return _all.Single(p => p.Pid == pid);
    }

    /// <summary>The process of an owner.</summary>
    public ChildProcess Of(string incarnation)
    {
        lock (_all)
            return _incarnations[incarnation];
    }

    /// <summary>Stops a silo in good order.</summary>
    public async Task StopAsync(ChildProcess silo)
    {
        silo.Signal("TERM");
        Assert.True(await silo.EndAsync() == 0, silo.Story());
    }

    /// <summary>What must hold for any cluster, whatever was done to it.</summary>
    public void AssertSound()
    {
        var broken = JournalInvariants.All.Where(i => Query(i.Sql).Count > 0).Select(i => i.Name).ToList();
        Assert.True(broken.Count == 0, $"{string.Join(", ", broken)}\n{Story()}");
        Assert.Empty(Query("select run_id, step_key, attempt from granary_steps_v group by 1, 2, 3 having count(*) > 1"));
    }

    /// <summary>
    /// No body began under a key after that key's outcome was committed: the one that was recorded began last, and none began
    /// more often than there were claims. A crash isn't charged as an attempt.
    /// </summary>
    public void AssertOnce()
    {
        // In this order: what is recorded has begun.
        var rows = Query("select idempotency_key, silo, epoch from granary_steps_v where kind = 'step' and outcome = 'succeeded'");
        var effects = Effects.Where(e => e.Begins).ToLookup(e => $"{e.Journal}/{e.Key}");
        foreach (var row in rows)
        {
            var begun = effects[(string)row[0]!].ToList();
            Assert.True(begun.Count > 0 && begun[^1].Pid == Of((string)row[1]!).Pid && begun.Count <= (long)row[2]!,
                $"{row[0]} was recorded by process {Of((string)row[1]!).Pid} and began in {string.Join(", ", begun.Select(e => e.Pid))}\n{Story()}");
            Assert.All(begun, e => Assert.Equal(0, e.Attempt));
        }
    }

    public string Story()
    {
        var rows = Query("select run_id, seq, epoch, kind, step_key, committed_at from granary_journal_v order by run_key, seq")
            .Concat(Query("select id, status, waiting_on, owner, wake_at, recovery_attempts, error_code from granary_runs_v where completed_at is null"))
            .Take(300).Select(r => string.Join("  ", r.Select(v => v ?? "-")));
        List<string> said;
        lock (_all)
            said = [.. _all.Select(p => $"process {p.Pid}: {p.Story()}")];
        return string.Join('\n', rows.Concat(said));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in _all)
            await silo.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        _server.DropDatabase(Database);
    }
}
