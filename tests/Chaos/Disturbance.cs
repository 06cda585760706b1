using Granary.Tests.Clusters;
using Granary.Tests.Crashes;
using Granary.Tests.Hosting;

namespace Granary.Tests.Chaos;

/// <summary>What is done to a cluster of three while it works: the same seed does the same at the same times.</summary>
internal abstract class Disturbance(SiloProcesses silos, Random random)
{
    private readonly ChildProcess[] _slots = new ChildProcess[3];

    /// <summary>How often something was done.</summary>
    public int Count { get; private set; }

    protected SiloProcesses Silos { get; } = silos;

    protected Random Random { get; } = random;

    public async Task StartAsync()
    {
        var started = await Silos.StartAsync(_slots.Length);
        for (var i = 0; i < _slots.Length; i++)
            _slots[i] = started[i];
    }

    public async Task RunAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var end = DateTimeOffset.UtcNow + duration;
        while (DateTimeOffset.UtcNow < end)
        {
            await Task.Delay(Every, cancellationToken);
            await DisturbAsync(Random.Next(_slots.Length), cancellationToken);
            Count++;
        }

        for (var i = 0; i < _slots.Length; i++)
            await ReplaceIfGoneAsync(i);
    }

    protected virtual TimeSpan Every => TimeSpan.FromSeconds(5);

    protected abstract Task DisturbAsync(int slot, CancellationToken cancellationToken);

    protected ChildProcess At(int slot) => _slots[slot];

    protected async Task ReplaceAsync(int slot) => _slots[slot] = await Silos.StartAsync();

    /// <summary>A silo that was declared dead ends its process.</summary>
    protected async Task ReplaceIfGoneAsync(int slot)
    {
        if (_slots[slot].HasEnded)
            await ReplaceAsync(slot);
    }
}

/// <summary>A random silo is killed every five seconds, and a new one started.</summary>
internal sealed class Kills(SiloProcesses silos, Random random) : Disturbance(silos, random)
{
    protected override async Task DisturbAsync(int slot, CancellationToken cancellationToken)
    {
        At(slot).Kill();
        await ReplaceAsync(slot);
    }
}

/// <summary>A random silo is stopped for some seconds and goes on: as long as a long pause of the machine, or longer than the others wait for it.</summary>
internal sealed class Pauses(SiloProcesses silos, Random random) : Disturbance(silos, random)
{
    protected override async Task DisturbAsync(int slot, CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromSeconds(2 + (12 * Random.NextDouble()));
        await ReplaceIfGoneAsync(slot);
        At(slot).Signal("STOP");
        await Task.Delay(pause, cancellationToken);
        At(slot).Signal("CONT");
    }
}

/// <summary>The database stops at once, as if its machine had lost its power, and comes back some seconds later.</summary>
internal sealed class DatabaseRestarts(SiloProcesses silos, Random random, PostgresServer server) : Disturbance(silos, random)
{
    protected override TimeSpan Every => TimeSpan.FromSeconds(10);

    protected override async Task DisturbAsync(int slot, CancellationToken cancellationToken)
    {
        server.StopAtOnce();
        await Task.Delay(TimeSpan.FromSeconds(1 + (4 * Random.NextDouble())), cancellationToken);
        server.StartAgain();
    }
}
