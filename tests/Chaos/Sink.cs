using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Granary.Tests.Chaos;

/// <summary>An outside system that every body calls: it counts each arrival under its idempotency key and never deduplicates.</summary>
internal sealed class Sink : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<Arrival> _arrivals = new();
    private readonly Task _serving;

    public Sink()
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Address = new Uri($"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/");
        }

        _listener.Prefixes.Add(Address.ToString());
        _listener.Start();
        _serving = ServeAsync();
    }

    public Uri Address { get; }

    public IReadOnlyCollection<Arrival> Arrivals => _arrivals;

    public void Dispose()
    {
        _listener.Close();
        _serving.ContinueWith(static _ => { }, TaskScheduler.Default).Wait();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            var query = context.Request.QueryString;
            _arrivals.Enqueue(new Arrival(query["key"]!, Number(query["attempt"]), Number(query["epoch"]), Number(query["pid"]), DateTimeOffset.UtcNow));
            try
            {
                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or InvalidOperationException)
            {
                // Whoever called was killed.
            }
        }
    }

    private static int Number(string? text) => int.Parse(text!, CultureInfo.InvariantCulture);
}

/// <summary>A body that began.</summary>
internal sealed record Arrival(string Key, int Attempt, int Epoch, int Pid, DateTimeOffset At);
