using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>One database file, one process; the second is sent away, and nobody has to clear up after the first.</summary>
[Trait("Speed", "Slow")]
public sealed class SecondProcessTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("granary-second-").FullName;
    private ChildProcess? _holder;

    private string Data => Path.Combine(_folder, "granary.db");

    private ChildProcess Holder => _holder!;

    public async ValueTask InitializeAsync()
    {
        _holder = ChildProcess.Start(Programs.Sample, ["--id", "held", "--data", Data, "--tool-delay", "60s", "--output", "json"], folder: _folder);

        // It works on the run: the first model call is recorded.
        await _holder.LineAsync(l => l.Contains("\"llm\"", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        await Holder.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task a_second_process_is_refused_at_once_and_told_who_holds_the_file()
    {
        AssertRefused(await SecondAsync(Data));
        AssertRefused(await SecondAsync("./granary.db"));

        var link = Path.Combine(_folder, "link.db");
        File.CreateSymbolicLink(link, Data);
        AssertRefused(await SecondAsync(link));

        var folderLink = Path.Combine(_folder, "folder");
        Directory.CreateSymbolicLink(folderLink, _folder);
        AssertRefused(await SecondAsync(Path.Combine(folderLink, "granary.db")));
    }

    [Fact]
    public async Task a_process_that_was_only_stopped_still_holds_its_file_and_goes_on()
    {
        Holder.Signal("STOP");
        AssertRefused(await SecondAsync(Data));
        Holder.Signal("CONT");
        AssertRefused(await SecondAsync(Data));

        // The run that it worked on is still its own.
        Holder.Signal("INT");
        Assert.Equal(130, await Holder.EndAsync());
        var next = await SecondAsync(Data, "held");
        Assert.True(next.ExitCode == 0, next.Errors);
        Assert.Equal(0, Snapshot.Of(Data).RecoveryAttempts);
        Assert.Empty(Snapshot.Of(Data).Broken);
    }

    [Fact]
    public async Task after_a_kill_the_next_process_starts_with_nothing_unlocked_by_hand()
    {
        Holder.Kill();
        var next = await SecondAsync(Data, "held");

        Assert.True(next.ExitCode == 0, next.Errors);
        Assert.Contains("\"source\":\"journal\"", next.Lines[0]);
        Assert.Equal("succeeded", Snapshot.Of(Data).Status);
        Assert.Equal(1, Snapshot.Of(Data).RecoveryAttempts);
        Assert.Empty(Snapshot.Of(Data).Broken);
    }

    [Fact]
    public async Task a_stopped_process_that_is_killed_lets_go_too()
    {
        Holder.Signal("STOP");
        Holder.Kill();
        var next = await SecondAsync(Data, "held");

        Assert.True(next.ExitCode == 0, next.Errors);
    }

    private Task<(int ExitCode, IReadOnlyList<string> Lines, string Errors)> SecondAsync(string data, string id = "second") =>
        ChildProcess.RunAsync(Programs.Sample, ["--id", id, "--data", data, "--output", "json"], folder: _folder);

    private void AssertRefused((int ExitCode, IReadOnlyList<string> Lines, string Errors) second)
    {
        Assert.Equal(3, second.ExitCode);
        Assert.Empty(second.Lines);
        Assert.StartsWith("GRN3001: ", second.Errors, StringComparison.Ordinal);
        Assert.Contains($"'{Data}'", second.Errors, StringComparison.Ordinal);
        Assert.Contains($"process {Holder.Pid} on {Environment.MachineName}", second.Errors, StringComparison.Ordinal);
        Assert.Single(second.Errors.TrimEnd().Split('\n'));
    }
}
