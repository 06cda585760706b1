using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Granary;

/// <summary>Carries requests to the endpoint and JSON objects back, within the time limit.</summary>
internal sealed class GeminiTransport : IDisposable
{
    private static readonly JsonSerializerOptions _wire = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string? _key;
    private readonly string _endpoint;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly HttpClient? _owned;

    public GeminiTransport(GeminiOptions options, HttpClient? http)
    {
        _key = options.ApiKey;
        _endpoint = options.Endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _timeout = options.Timeout;
        _time = options.TimeProvider ?? TimeProvider.System;
        _owned = http is null ? Connect() : null;
        _http = http ?? _owned!;
    }

    /// <summary>Asks for a whole answer.</summary>
    public async Task<JsonElement> SendAsync(GeminiRequest request, CancellationToken cancellationToken)
    {
        using var deadline = new CallDeadline(_timeout, _time, cancellationToken);
        using var message = Message(request, "generateContent");
        using var response = await deadline.RunAsync(token => _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, token)).ConfigureAwait(false);
        var body = await deadline.RunAsync(response.Content.ReadAsStringAsync).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
            throw Refused(response, body, request);
        return Parse(body, request);
    }

    /// <summary>Asks for a stream of partial answers.</summary>
    public async IAsyncEnumerable<JsonElement> StreamAsync(GeminiRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var deadline = new CallDeadline(_timeout, _time, cancellationToken);
        using var message = Message(request, "streamGenerateContent?alt=sse");
        using var response = await deadline.RunAsync(token => _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, token)).ConfigureAwait(false);
        using var reader = new StreamReader(
            await deadline.RunAsync(response.Content.ReadAsStreamAsync).ConfigureAwait(false), Encoding.UTF8);
        var events = new GeminiEventStream(reader);
        while (await deadline.RunAsync(events.ReadAsync).ConfigureAwait(false) is { } data)
        {
            if (!response.IsSuccessStatusCode)
                throw Refused(response, data, request);
            yield return Parse(data, request);
        }

        if (!response.IsSuccessStatusCode)
            throw Refused(response, "", request);
    }

    public void Dispose() => _owned?.Dispose();

    private HttpRequestMessage Message(GeminiRequest request, string method)
    {
        var model = string.Join('/', request.Model.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.EscapeDataString));
        if (!model.Contains('/'))
            model = "models/" + model;
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request.Body, _wire));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        var message = new HttpRequestMessage(HttpMethod.Post, $"{_endpoint}/v1beta/{model}:{method}") { Content = content };
        if (_key is not null)
            message.Headers.TryAddWithoutValidation("x-goog-api-key", _key);
        return message;
    }

    private JsonElement Parse(string body, GeminiRequest request)
    {
        JsonElement root;
        try
        {
            using var document = JsonDocument.Parse(body);
            root = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            // The parser's own message may quote the text: only the place goes on.
            throw GeminiErrors.Unreadable($"it is no JSON (line {e.LineNumber}, byte {e.BytePositionInLine})");
        }

        if (root.ValueKind is JsonValueKind.Array && root.GetArrayLength() == 1)
            root = root[0];
        if (root.ValueKind is not JsonValueKind.Object)
            throw GeminiErrors.Unreadable("it is no JSON object");
        if (root.TryGetProperty("error", out var error) && error.ValueKind is JsonValueKind.Object)
            throw GeminiErrors.FromError(500, error, retryAfterHeader: null, text => Redaction.Redact(text, _key, request.Body));
        return root;
    }

    private ModelException Refused(HttpResponseMessage response, string body, GeminiRequest request)
    {
        var after = response.Headers.RetryAfter;
        var delay = after?.Delta ?? (after?.Date is { } date ? date - _time.GetUtcNow() : null);
        return GeminiErrors.FromBody(
            (int)response.StatusCode, body, delay is { } wait && wait > TimeSpan.Zero ? wait : null,
            text => Redaction.Redact(text, _key, request.Body));
    }

    private static HttpClient Connect() => new(new SocketsHttpHandler
    {
        // A connection is renewed now and then, so that a changed DNS entry is seen.
        PooledConnectionLifetime = TimeSpan.FromMinutes(15),
        ConnectTimeout = TimeSpan.FromSeconds(30),
        // A redirect would carry the key's header to wherever it points.
        AllowAutoRedirect = false,
        ConnectCallback = static async (context, cancellationToken) =>
        {
            // Routers drop a connection on which nothing moves for minutes, and nothing moves while a model thinks.
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 60);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 30);
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken).ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };
}
