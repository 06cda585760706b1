using Granary.Tests.Hosting;
using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>The sample asks a person; its process is killed while the question stands.</summary>
[Trait("Speed", "Slow")]
public sealed class SampleApprovalTests
{
    [Theory]
    [InlineData("yes", "[offline demo model]")]
    [InlineData("no too long", "Not sent: rejected, too long.")]
    public async Task a_question_outlives_its_process_and_the_answer_is_taken_once(string typed, string answer)
    {
        var folder = Directory.CreateTempSubdirectory("granary-approve-").FullName;
        string[] arguments = ["--id", "q", "--data", Path.Combine(folder, "granary.db")];
        await using (var first = ChildProcess.Start(Programs.Sample, [.. arguments, "--approve"], folder: folder))
        {
            await first.LineAsync(l => l.StartsWith("Send this answer?", StringComparison.Ordinal));
            first.Kill();
            await first.EndAsync();
        }

        // Without the option: what the run asks, it asks.
        await using (var second = ChildProcess.Start(Programs.Sample, arguments, folder: folder, isToldMore: true))
        {
            await second.LineAsync(l => l.StartsWith("Send this answer?", StringComparison.Ordinal));
            second.Say(typed);
            Assert.True(await second.EndAsync() == 0, second.Story());
            Assert.Contains(second.Lines, l => l.StartsWith(answer, StringComparison.Ordinal));
        }

        var third = await ChildProcess.RunAsync(Programs.Sample, arguments, folder: folder);
        Assert.Equal(0, third.ExitCode);
        Assert.Contains(third.Lines, l => l.StartsWith(answer, StringComparison.Ordinal));
        Assert.DoesNotContain(third.Lines, l => l.StartsWith("Send this answer?", StringComparison.Ordinal));
        Assert.Equal([["approval", "succeeded"]], TestData.Query(Path.Combine(folder, "granary.db"), "select kind, outcome from granary_steps_v where kind = 'approval'"));
        Invariants.AssertHold(Path.Combine(folder, "granary.db"));
        Directory.Delete(folder, recursive: true);
    }
}
