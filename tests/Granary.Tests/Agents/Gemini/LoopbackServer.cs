using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Granary.Tests.Agents.Gemini;

/// <summary>What a client sent.</summary>
internal sealed record LoopbackRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public JsonNode Json => JsonNode.Parse(Body)!;

    /// <summary>The request line, the headers and the body, for a search through all of it.</summary>
    public string Whole => $"{Method} {Target}\n{string.Join('\n', Headers.Select(header => $"{header.Key}: {header.Value}"))}\n\n{Body}";
}

/// <summary>What the server answers: the segments go out one by one, as chunks.</summary>
internal sealed record LoopbackReply(int Status, string ContentType, IReadOnlyList<byte[]> Segments)
{
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Closes the connection after the last segment without saying that the body is complete.</summary>
    public bool BreaksOff { get; init; }

    /// <summary>Awaited before the first byte of the answer.</summary>
    public Func<CancellationToken, Task>? BeforeHead { get; init; }

    /// <summary>Awaited before the body is said to be complete.</summary>
    public Func<CancellationToken, Task>? BeforeEnd { get; init; }

    public static LoopbackReply Json(int status, params string[] segments) =>
        new(status, "application/json; charset=UTF-8", [.. segments.Select(Encoding.UTF8.GetBytes)]);

    public static LoopbackReply Events(params string[] texts) =>
        new(200, "text/event-stream", [.. texts.Select(Encoding.UTF8.GetBytes)]);
}

/// <summary>A small HTTP/1.1 server on a free port of 127.0.0.1 that answers every request by a function.</summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<LoopbackRequest, LoopbackReply> _answer;
    private readonly List<LoopbackRequest> _requests = [];
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _accepting;

    public LoopbackServer(Func<LoopbackRequest, LoopbackReply> answer)
    {
        _answer = answer;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Endpoint => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Completes when the first request is there.</summary>
    public Task Asked => _asked.Task;

    public IReadOnlyList<LoopbackRequest> Requests
    {
        get
        {
            lock (_requests)
                return [.. _requests];
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
                serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
            try
            {
                var stream = client.GetStream();
                var request = await ReadAsync(stream);
                lock (_requests)
                    _requests.Add(request);
                _asked.TrySetResult();
                await WriteAsync(stream, _answer(request));
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The client went away, or the test is over.
            }
    }

    private async Task<LoopbackRequest> ReadAsync(NetworkStream stream)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (head.Count < 4 || !head[^4..].SequenceEqual("\r\n\r\n"u8.ToArray()))
        {
            await stream.ReadExactlyAsync(one, _stop.Token);
            head.Add(one[0]);
        }

        var lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var first = lines[0].Split(' ');
        var headers = lines.Skip(1).Select(line => line.Split(':', 2))
            .ToDictionary(pair => pair[0], pair => pair[1].Trim(), StringComparer.OrdinalIgnoreCase);
        var body = new byte[int.Parse(headers.GetValueOrDefault("Content-Length", "0"), CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return new(first[0], first[1], headers, Encoding.UTF8.GetString(body));
    }

    private async Task WriteAsync(NetworkStream stream, LoopbackReply reply)
    {
        if (reply.BeforeHead is not null)
            await reply.BeforeHead(_stop.Token);
        var head = new StringBuilder($"HTTP/1.1 {reply.Status} Answer\r\nContent-Type: {reply.ContentType}\r\n");
        foreach (var (name, value) in reply.Headers)
            head.Append($"{name}: {value}\r\n");
        head.Append("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.ToString()), _stop.Token);
        foreach (var segment in reply.Segments)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"{segment.Length:x}\r\n"), _stop.Token);
            await stream.WriteAsync(segment, _stop.Token);
            await stream.WriteAsync("\r\n"u8.ToArray(), _stop.Token);
        }

        if (reply.BeforeEnd is not null)
            await reply.BeforeEnd(_stop.Token);
        if (!reply.BreaksOff)
            await stream.WriteAsync("0\r\n\r\n"u8.ToArray(), _stop.Token);
    }
}
