using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>What the sample says when it can't: one line on standard error that begins with a code, and the exit code for it.</summary>
public sealed class SampleErrorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("granary-error-").FullName;

    private string Data => Path.Combine(_folder, "granary.db");

    public static TheoryData<string, string[]> Usage => new()
    {
        { "GRN1701", ["--id", new string('x', 257)] },
        { "GRN1701", ["--id", " "] },
        { "GRN1701", ["--id", ""] },
        { "GRN1701", ["--id", "a\tb"] },
        { "GRN1901", [""] },
        { "GRN1901", ["  "] },
        { "GRN1901", ["--unknown"] },
        { "GRN1901", ["-x"] },
        { "GRN1901", ["one question", "another question"] },
        { "GRN1901", ["--id"] },
        { "GRN1901", ["--output", "xml"] },
        { "GRN1901", ["--tool-delay", "soon"] },
        { "GRN1901", ["--tool-delay", "3"] },
        { "GRN1901", ["--tool-delay", "-3s"] },
        { "GRN1901", ["--tool-delay", "99999999999999999999d"] },
        { "GRN1901", ["--sleep", "1e9d"] },
        { "GRN1901", ["--connection", "Host=nowhere"] },
        { "GRN1901", ["--serve", "a question"] },
        { "GRN1901", ["--serve", "--start", "3"] },
        { "GRN1901", ["--start", "0"] },
        { "GRN1901", ["--start", "many"] },
        { "GRN1901", ["--url=http://127.0.0.1:1"] },
        { "GRN1901", ["--role", "worker"] },
        { "GRN1901", ["--start", "3"] },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Usage))]
    public async Task what_the_command_line_gets_wrong_is_refused_before_anything_is_stored(string code, string[] arguments)
    {
        AssertRefused(await SampleAsync(["--data", Data, .. arguments]), 2, code);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public async Task settings_out_of_range_are_refused_as_usage()
    {
        AssertRefused(await SampleAsync(["--data", Data], new() { ["Granary__MaxRecoveries"] = "0" }), 2, "GRN1902");
        AssertRefused(await SampleAsync([], new() { ["ConnectionStrings__granary"] = "Nonsense=1" }), 3, "GRN3007");
        AssertRefused(await SampleAsync(["--start", "3"]), 2, "GRN1804");
    }

    [Theory]
    [InlineData(8192)]
    [InlineData(100)]
    [InlineData(2)]
    public async Task random_bytes_are_no_database_and_stay_as_they_are(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        await File.WriteAllBytesAsync(Data, bytes, TestContext.Current.CancellationToken);

        AssertRefused(await SampleAsync(["--data", Data]), 3, "GRN3002");
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Data, TestContext.Current.CancellationToken));
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task a_database_that_was_cut_short_or_overwritten_is_damaged()
    {
        Assert.Equal(0, (await SampleAsync(["--data", Data, "--id", "whole"])).ExitCode);
        var whole = await File.ReadAllBytesAsync(Data, TestContext.Current.CancellationToken);
        foreach (var length in (int[])[whole.Length / 2, 8192, 5000])
        {
            await File.WriteAllBytesAsync(Data, whole[..length], TestContext.Current.CancellationToken);
            AssertRefused(await SampleAsync(["--data", Data, "--id", "whole"]), 3, "GRN3002");
        }

        // Pages that were overwritten somewhere in the middle: refused, or not touched by what the run needs; never a wrong answer.
        var random = new Random(1);
        var broken = (byte[])whole.Clone();
        for (var page = 1; page < whole.Length / 4096; page++)
            random.NextBytes(broken.AsSpan(page * 4096, 4096));
        await File.WriteAllBytesAsync(Data, broken, TestContext.Current.CancellationToken);
        AssertRefused(await SampleAsync(["--data", Data, "--id", "whole"]), 3, "GRN3002");
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task a_folder_that_is_missing_or_in_the_place_of_the_file_is_told()
    {
        var missing = await SampleAsync(["--data", Path.Combine(_folder, "missing", "granary.db")]);
        AssertRefused(missing, 3, "GRN3006");
        Assert.Contains(Path.Combine(_folder, "missing"), missing.Errors, StringComparison.Ordinal);
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "folder")).FullName;
        AssertRefused(await SampleAsync(["--data", folder]), 3, "GRN3006");
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task a_file_or_a_folder_that_may_not_be_written_is_told()
    {
        Assert.SkipUnless(Environment.UserName == "root" && File.Exists("/usr/bin/setpriv"), "Only root can run the sample as a user without rights (setpriv).");
        Assert.Equal(0, (await SampleAsync(["--data", Data, "--id", "whole"])).ExitCode);

        // A folder that may be written, a file that may not.
        File.Delete(Data + ".lock");
        await ModeAsync("777", _folder);
        await ModeAsync("444", Data);
        AssertRefused(await AsNobodyAsync(), 3, "GRN3003");

        // The other way round.
        foreach (var side in Directory.EnumerateFiles(_folder).Where(f => f != Data))
            File.Delete(side);
        await ModeAsync("666", Data);
        await ModeAsync("555", _folder);
        AssertRefused(await AsNobodyAsync(), 3, "GRN3003");
        Assert.Empty(Snapshot.Of(Data).Broken);
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task a_full_disk_pauses_the_run_and_more_room_lets_it_go_on()
    {
        var mount = Path.Combine(_folder, "small");
        Directory.CreateDirectory(mount);
        var mounted = await ChildProcess.RunAsync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", mount]);
        Assert.SkipUnless(mounted.ExitCode == 0, "Only root with the right to mount can make a small disk.");
        try
        {
            var data = Path.Combine(mount, "granary.db");
            var ballast = Path.Combine(mount, "ballast");
            var full = await SampleAsync(["--data", data, "--id", "full", "--tool-delay", "1s"], onLine: (_, _) => Fill(ballast));
            Assert.Equal(3, full.ExitCode);
            AssertOneLine(full.Errors, "GRN9001");
            Assert.DoesNotContain(full.Lines, l => l.Contains("\"answer\"", StringComparison.Ordinal));

            File.Delete(ballast);
            var next = await SampleAsync(["--data", data, "--id", "full"]);
            Assert.True(next.ExitCode == 0, next.Errors);

            // What it had printed was stored, full disk or not.
            var printed = full.Lines.Select(l => l.Split("\"key\":\"")[1].Split('"')[0]);
            Assert.All(printed, key => Assert.Contains(next.Lines, l => l.Contains($"\"{key}\"", StringComparison.Ordinal) && l.Contains("\"journal\"", StringComparison.Ordinal)));
            Assert.Empty(Invariants.Broken(data));
        }
        finally
        {
            await ChildProcess.RunAsync("umount", [mount]);
        }
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task a_run_that_fails_exits_with_one_and_does_so_again()
    {
        // A key that the service refuses: the model call fails for good.
        await using var server = new Agents.Gemini.LoopbackServer(_ => Agents.Gemini.SyntheticFixture.Reply("key-invalid"));
        var gemini = new Dictionary<string, string> { ["GEMINI_API_KEY"] = "AIza-wrong", ["GRANARY_GEMINI_ENDPOINT"] = server.Endpoint.ToString() };

        var failed = await SampleAsync(["--data", Data, "--id", "f"], gemini);
        AssertOneLine(failed.Errors, "GRN1101");
        Assert.Equal(1, failed.ExitCode);
        Assert.DoesNotContain("AIza-wrong", failed.Errors, StringComparison.Ordinal);

        // The failure is the run's end: it isn't tried again.
        var requests = server.Requests.Count;
        var again = await SampleAsync(["--data", Data, "--id", "f"], gemini);
        Assert.Equal((1, failed.Errors), (again.ExitCode, again.Errors));
        Assert.Equal(requests, server.Requests.Count);
    }

    private Task<(int ExitCode, IReadOnlyList<string> Lines, string Errors)> SampleAsync(string[] arguments, Dictionary<string, string>? environment = null,
        Action<ChildProcess, string>? onLine = null) =>
        ChildProcess.RunAsync(Programs.Sample, ["--output", "json", .. arguments], environment, _folder, onLine);

    /// <summary>Leaves not a byte of the disk.</summary>
    private static void Fill(string ballast)
    {
        using var file = new FileStream(ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
                file.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private Task<(int ExitCode, IReadOnlyList<string> Lines, string Errors)> AsNobodyAsync() =>
        ChildProcess.RunAsync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", Programs.Sample, "--output", "json", "--data", Data, "--id", "whole"], folder: _folder);

    private static async Task ModeAsync(string mode, string path) => Assert.Equal(0, (await ChildProcess.RunAsync("chmod", [mode, path])).ExitCode);

    private static void AssertRefused((int ExitCode, IReadOnlyList<string> Lines, string Errors) said, int exitCode, string code)
    {
        AssertOneLine(said.Errors, code);
        Assert.Equal(exitCode, said.ExitCode);
        Assert.Empty(said.Lines);
    }

    private static void AssertOneLine(string errors, string code)
    {
        Assert.StartsWith($"{code}: ", errors, StringComparison.Ordinal);
        Assert.Single(errors.TrimEnd().Split('\n'));
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("..", errors.Replace("...", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }
}
