using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace Granary.Silo.Hosting;

/// <summary>
/// Before this silo joins its cluster: declares those dead that were active at this machine's address and at whose port
/// nobody listens any more. Orleans would wait until they have been silent for 15 s, and a silo that was killed and started
/// again for as long.
/// </summary>
/// <remarks>A process that hangs or is stopped still listens; one that refuses a connection is gone.</remarks>
internal sealed partial class DeadNeighbours(StoreLocation location, IMembershipTable table, ILogger<DeadNeighbours> logger) : IHostedService
{
    private const int Tries = 100;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (location.PostgresConnection is null)
            return;
        try
        {
            await table.InitializeMembershipTableAsync(tryInitTableVersion: true, cancellationToken).ConfigureAwait(false);
            var tries = Tries;
            while (tries-- > 0 && await DeclareOneAsync(cancellationToken).ConfigureAwait(false))
                cancellationToken.ThrowIfCancellationRequested();
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // It only makes the start faster; what is wrong with the table, Orleans tells itself.
            LogFailed(e);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>False when there is none. Each change gives the table another version, so it is read again after one.</summary>
    private async Task<bool> DeclareOneAsync(CancellationToken cancellationToken)
    {
        var read = await table.ReadAllAsync(cancellationToken).ConfigureAwait(false);
        foreach (var (entry, etag) in read.Members)
        {
            // Addresses may be the same on several machines: loopback behind a tunnel, the bridges of containers.
            if (!string.Equals(entry.HostName, Dns.GetHostName(), StringComparison.OrdinalIgnoreCase))
                continue;

            // Only active ones: a silo that joins may not listen yet.
            if (entry.Status != SiloStatus.Active || !IsHere(entry.SiloAddress) || !await IsGoneAsync(entry.SiloAddress, cancellationToken).ConfigureAwait(false))
                continue;
            entry.Status = SiloStatus.Dead;

            // Where that fails somebody else was quicker.
            if (await table.UpdateRowAsync(entry, etag, read.Version.Next(), cancellationToken).ConfigureAwait(false))
                LogDeclared(entry.SiloAddress);
            return true;
        }

        return false;
    }

    private static bool IsHere(SiloAddress silo) => IPAddress.IsLoopback(silo.Endpoint.Address)
        || NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Any(a => a.Address.Equals(silo.Endpoint.Address));

    private static async Task<bool> IsGoneAsync(SiloAddress silo, CancellationToken cancellationToken)
    {
        using var socket = new Socket(silo.Endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_limit);
        try
        {
            await socket.ConnectAsync(silo.Endpoint, limit.Token).ConfigureAwait(false);
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    [LoggerMessage(3301, LogLevel.Information, "Silo {Silo} was at this machine's address and nobody listens there: it is declared dead.")]
    private partial void LogDeclared(SiloAddress silo);

    [LoggerMessage(3302, LogLevel.Warning, "The cluster's dead silos couldn't be looked for; it waits for them as long as Orleans does.")]
    private partial void LogFailed(Exception exception);
}
