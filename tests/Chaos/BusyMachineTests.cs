using System.Diagnostics;
using Granary.Tests.Clusters;
using Granary.Tests.Crashes;
using Xunit;

namespace Granary.Tests.Chaos;

/// <summary>The default probes must not declare a healthy silo dead because its machine is busy.</summary>
[Collection(CrashCollection.Name)]
public sealed class BusyMachineTests
{
    private const int DeadStatus = 6;

    [Fact]
    [Trait("Speed", "Long")]
    public async Task no_silo_is_declared_dead_in_ten_minutes_at_four_times_the_load_of_the_machine()
    {
        await using var silos = new SiloProcesses();
        await silos.StartAsync(3);
        await using var client = await OutsideClient.ConnectAsync(silos.Connection);
        var burners = Enumerable.Range(0, 4 * Environment.ProcessorCount).Select(_ => Process.Start("sh", ["-c", "while :; do :; done"])).ToList();
        try
        {
            var end = DateTimeOffset.UtcNow.AddMinutes(10);
            var runs = 0;
            while (DateTimeOffset.UtcNow < end)
            {
                Assert.Equal("3", await client.Client.Workflow<string, string>("chain").RunAsync("2 100", new() { Id = $"r{runs++}" }, TestContext.Current.CancellationToken));
                Assert.Equal(0L, silos.One<long>($"select count(*) from granary.orleansmembershiptable where status = {DeadStatus}"));
            }

            Load.Report($"{runs} runs in ten minutes beside {burners.Count} busy loops, no silo declared dead");
            Assert.Equal(0L, silos.One<long>("select coalesce(sum(recovery_attempts), 0)::bigint from granary_runs_v"));
        }
        finally
        {
            foreach (var burner in burners)
            {
                burner.Kill();
                burner.Dispose();
            }
        }
    }
}
