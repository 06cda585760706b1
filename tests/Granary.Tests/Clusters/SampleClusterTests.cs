using System.Text.Json;
using Granary.Tests.Crashes;
using Granary.Tests.Hosting;
using Granary.Tests.Journal.Postgres;
using Npgsql;
using Xunit;

namespace Granary.Tests.Clusters;

/// <summary>The sample as a cluster: silos that stay, a client outside, and what it says where the database can't be used.</summary>
[Trait("Speed", "Slow")]
public sealed class SampleClusterTests : IDisposable
{
    private const string Secret = "hush-4711";

    private readonly PostgresDatabase _database = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("granary-sample-").FullName;

    private string User => $"{_database.Name}_user";

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        _database.Dispose();
    }

    [Fact]
    public async Task a_client_outside_starts_runs_that_two_silos_answer()
    {
        var effects = Path.Combine(_folder, "effects");
        string[] serve = ["--serve", "--connection", _database.ConnectionString, "--effects", effects];
        await using var first = ChildProcess.Start(Programs.Sample, [.. serve, "--role", "worker"], folder: _folder);
        await using var second = ChildProcess.Start(Programs.Sample, [.. serve, "--output", "json"], folder: _folder);
        var ready = await first.LineAsync(l => l.StartsWith("ready ", StringComparison.Ordinal));
        var json = JsonDocument.Parse(await second.LineAsync(l => l.StartsWith('{'))).RootElement;
        Assert.Contains($"(process {first.Pid})", ready, StringComparison.Ordinal);
        Assert.Equal(("ready", second.Pid), (json.GetProperty("event").GetString(), json.GetProperty("pid").GetInt32()));

        var client = await ChildProcess.RunAsync(Programs.Sample, ["--start", "12", "--id", "q", "--connection", _database.ConnectionString], folder: _folder);
        Assert.True(client.ExitCode == 0, client.Errors);
        Assert.Equal(Enumerable.Range(1, 12).Select(i => $"q-{i}").Order(StringComparer.Ordinal), client.Lines.Select(l => l.Split(' ')[0]).Order(StringComparer.Ordinal));
        Assert.All(client.Lines, l => Assert.Contains("Rome: 27 °C and windy", l, StringComparison.Ordinal));
        Assert.Equal(2, Effect.Read(effects).Select(e => e.Pid).Distinct().Count());
        Assert.Equal([["succeeded", 12L]], _database.Sql("select status, count(*) from granary_runs_v group by 1"));

        // The same ids again: recorded answers. A process that asks is a silo for as long as it asks.
        var again = await ChildProcess.RunAsync(Programs.Sample, ["--start", "12", "--id", "q"], new Dictionary<string, string> { ["ConnectionStrings__granary"] = _database.ConnectionString }, _folder);
        Assert.Equal(client.Lines.Order(StringComparer.Ordinal), again.Lines.Order(StringComparer.Ordinal));
        var asked = await ChildProcess.RunAsync(Programs.Sample, ["--id", "q-1", "--connection", _database.ConnectionString, "--output", "json"], folder: _folder);
        Assert.True(asked.ExitCode == 0, asked.Errors);
        Assert.All(asked.Lines, l => Assert.Contains("\"journal\"", l, StringComparison.Ordinal));

        first.Signal("TERM");
        second.Signal("INT");
        Assert.Equal((0, 130), (await first.EndAsync(), await second.EndAsync()));
        Assert.Equal([[6L]], _database.Sql("select distinct Status from granary.OrleansMembershipTable"));
    }

    [Fact]
    public async Task a_client_without_a_silo_gives_up_with_a_retryable_code()
    {
        AssertRefused(await SampleAsync("GRN3005", _database.ConnectionString, ["--start", "1"]), "GRN3005");
        await using (var silo = ChildProcess.Start(Programs.Sample, ["--serve", "--connection", _database.ConnectionString], folder: _folder))
        {
            await silo.LineAsync(l => l.StartsWith("ready", StringComparison.Ordinal));
            silo.Signal("TERM");
            await silo.EndAsync();
        }

        AssertRefused(await ChildProcess.RunAsync(Programs.Sample, ["--start", "1", "--connection", _database.ConnectionString],
            new Dictionary<string, string> { ["Granary__ConnectTimeout"] = "00:00:02" }, _folder), "GRN9001");
    }

    [Theory]
    [InlineData("GRN3010", "a wrong password")]
    [InlineData("GRN3006", "an unreachable host")]
    [InlineData("GRN3003", "missing rights")]
    [InlineData("GRN3004", "a newer schema")]
    [InlineData("GRN3011", "TLS refused")]
    [InlineData("GRN3007", "nonsense")]
    public async Task a_database_that_cant_be_used_is_told_in_one_line_without_secrets(string code, string what)
    {
        _database.Sql($"create role {User} login password '{Secret}'");
        var own = new NpgsqlConnectionStringBuilder(_database.ConnectionString) { Username = User, Password = Secret };
        switch (what)
        {
            case "a wrong password":
                own.Password = Secret + "-wrong";
                break;
            case "an unreachable host":
                own.Port = 1;
                break;
            case "a newer schema":
                _database.Sql($"grant create on database {_database.Name} to {User}");
                Assert.Equal(0, (await SampleAsync(what, own.ConnectionString, [])).ExitCode);
                PostgresServer.Query(_database.ConnectionString, "insert into granary.granary_schema (scriptname, applied) values ('9001_later.sql', '2030-01-01')");
                break;
            case "TLS refused":
                own.SslMode = SslMode.Require;
                break;
        }

        AssertRefused(await SampleAsync(what, what == "nonsense" ? $"Host=x;Password={Secret};Nonsense=1" : own.ConnectionString, []), code);
    }

    private Task<(int ExitCode, IReadOnlyList<string> Lines, string Errors)> SampleAsync(string what, string connection, string[] arguments) =>
        ChildProcess.RunAsync(Programs.Sample, ["--connection", connection, "--output", "json", .. arguments], new Dictionary<string, string> { ["GRANARY_TEST"] = what }, _folder);

    private static void AssertRefused((int ExitCode, IReadOnlyList<string> Lines, string Errors) said, string code)
    {
        Assert.StartsWith($"{code}: ", said.Errors, StringComparison.Ordinal);
        Assert.Single(said.Errors.TrimEnd().Split('\n'));
        Assert.DoesNotContain(Secret, said.Errors, StringComparison.Ordinal);
        Assert.Equal(3, said.ExitCode);
        Assert.Empty(said.Lines);
    }
}
