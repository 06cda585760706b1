using OllamaSharp;

namespace Granary.Agents;

/// <summary>Looks for an Ollama server with a model that can call tools.</summary>
internal static class OllamaModel
{
    private const string DefaultHost = "127.0.0.1:11434";

    /// <summary>The client, or null and the reason.</summary>
    /// <param name="host">What <c>OLLAMA_HOST</c> says.</param>
    /// <param name="limit">For everything together: a start must not wait for a server that isn't there.</param>
    public static async Task<(OllamaApiClient? Client, string Finding)> FindAsync(string? host, TimeSpan limit)
    {
        if (Address(host) is not { } address)
            return (null, $"OLLAMA_HOST is no address ('{host}')");
        using var timeout = new CancellationTokenSource(limit);
        var client = new OllamaApiClient(address);
        try
        {
            foreach (var model in await client.ListLocalModelsAsync(timeout.Token).ConfigureAwait(false))
            {
                var details = await client.ShowModelAsync(model.Name, timeout.Token).ConfigureAwait(false);
                if (details.Capabilities?.Contains("tools") is not true)
                    continue;

                // A new client: this one's HTTP limit is the wrong one for answers that take minutes.
                client.Dispose();
                var http = new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
                return (new OllamaApiClient(http, model.Name), $"Ollama at {address} has {model.Name}, which calls tools");
            }

            client.Dispose();
            return (null, $"Ollama at {address} has no model that calls tools");
        }
        catch (OperationCanceledException)
        {
            client.Dispose();
            return (null, $"Ollama at {address} did not answer within {limit.TotalMilliseconds:0} ms");
        }
        catch (Exception e)
        {
            // Whatever is wrong with a server that nobody asked for, it is no reason to fail.
            client.Dispose();
            return (null, $"Ollama at {address} is not to be reached ({e.GetType().Name})");
        }
    }

    /// <summary>The address as Ollama itself reads it: scheme and port may be missing, and the address to listen on stands for this machine.</summary>
    internal static Uri? Address(string? host)
    {
        var text = string.IsNullOrWhiteSpace(host) ? DefaultHost : host.Trim();
        var hasScheme = text.Contains("://", StringComparison.Ordinal);
        if (!Uri.TryCreate(hasScheme ? text : $"http://{text}", UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            return null;
        var builder = new UriBuilder(uri);
        if (builder.Host is "0.0.0.0" or "[::]")
            builder.Host = "127.0.0.1";
        if (!hasScheme && uri.IsDefaultPort && !text.EndsWith(":80", StringComparison.Ordinal))
            builder.Port = 11434;
        return builder.Uri;
    }
}
