namespace Granary;

/// <summary>Where and how <see cref="GeminiChatClient"/> calls Gemini. The client copies the values: later changes have no effect.</summary>
public class GeminiOptions
{
    /// <summary>The model used when neither the options nor the request name one.</summary>
    internal const string DefaultModel = "gemini-flash-latest";

    /// <summary>The key, sent in the <c>x-goog-api-key</c> header and nowhere else. Default null: no header, for an endpoint that adds the key itself.</summary>
    /// <value>White space around the key is ignored.</value>
    public string? ApiKey { get; set; }

    /// <summary>The model, unless <c>ChatOptions.ModelId</c> names another. Default <c>gemini-flash-latest</c>.</summary>
    /// <value>A bare name (<c>gemini-3-flash-preview</c>) or a resource name (<c>tunedModels/mine</c>).</value>
    public string Model { get; set; } = DefaultModel;

    /// <summary>The server, without the API version. Default <c>https://generativelanguage.googleapis.com</c>.</summary>
    /// <value>An absolute http or https address; a path in it is kept, a query is not.</value>
    public Uri Endpoint { get; set; } = new("https://generativelanguage.googleapis.com");

    /// <summary>How long one call may take, whole streams included. Default ten minutes.</summary>
    /// <value>
    /// More than zero, or <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>. Calls of six minutes are real: lower it only for
    /// requests that are known to be short, raise it for long reasoning.
    /// </value>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>The clock that measures <see cref="Timeout"/>. Default null: the system's.</summary>
    public TimeProvider? TimeProvider { get; set; }

    /// <summary>Reads <c>GEMINI_API_KEY</c>, <c>GRANARY_GEMINI_ENDPOINT</c> and <c>GRANARY_GEMINI_MODEL</c>; blank counts as unset.</summary>
    /// <exception cref="GranaryUsageException"><c>GRN1902</c>: the endpoint is no absolute http or https address.</exception>
    internal static GeminiOptions FromEnvironment(Func<string, string?> read)
    {
        var options = new GeminiOptions { ApiKey = Read("GEMINI_API_KEY") };
        if (Read("GRANARY_GEMINI_MODEL") is { } model)
            options.Model = model;
        if (Read("GRANARY_GEMINI_ENDPOINT") is { } endpoint)
            options.Endpoint = Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
                ? uri
                : throw new GranaryUsageException("GRN1902", "GRANARY_GEMINI_ENDPOINT is no absolute http or https address.", "Write it like https://proxy.example/gemini, or leave it out.");
        return options;

        string? Read(string name) => read(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;
    }

    /// <summary>A checked copy that later changes of this instance don't reach.</summary>
    /// <exception cref="ArgumentException">A value cannot be used; the message names the property, never the key.</exception>
    internal GeminiOptions CheckedCopy()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Model);
        ArgumentNullException.ThrowIfNull(Endpoint);
        if (!Endpoint.IsAbsoluteUri || Endpoint.Scheme is not ("http" or "https"))
            throw new ArgumentException("The endpoint is no absolute http or https address.", nameof(Endpoint));
        if (Timeout != System.Threading.Timeout.InfiniteTimeSpan && (Timeout <= TimeSpan.Zero || Timeout.TotalMilliseconds > int.MaxValue))
            throw new ArgumentOutOfRangeException(nameof(Timeout), Timeout, "The time limit is neither infinite nor between zero and 24 days.");
        var key = string.IsNullOrWhiteSpace(ApiKey) ? null : ApiKey.Trim();
        if (key is not null && key.Any(c => c is < '!' or > '~'))
            throw new ArgumentException("The key holds characters that a header cannot carry.", nameof(ApiKey));
        return new() { ApiKey = key, Model = Model.Trim(), Endpoint = Endpoint, Timeout = Timeout, TimeProvider = TimeProvider };
    }
}
