using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Granary.Agents;

/// <summary>
/// Chooses a model where an agent has none: a Gemini key, else Ollama with a model that calls tools, else the offline
/// demo model. Chosen once, at start or at the first call, and logged in one line.
/// </summary>
internal sealed partial class ModelChoice : IDisposable
{
    private readonly IServiceProvider _services;
    private readonly ModelChoiceOptions _options;
    private readonly ILogger<ModelChoice> _logger;
    private readonly Lazy<Task<ChosenModel>> _chosen;

    public ModelChoice(IServiceProvider services, IOptions<ModelChoiceOptions> options, ILogger<ModelChoice> logger)
    {
        _services = services;
        _options = options.Value;
        _logger = logger;
        _chosen = new(ChooseOnceAsync);
        Client = new ChosenChatClient(this);
    }

    /// <summary>The chosen model; choosing waits until the first call, which is inside of a step.</summary>
    public IChatClient Client { get; }

    /// <summary>The choice, if it was made.</summary>
    public ChosenModel? Made => _chosen is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } task } ? task.Result : null;

    /// <exception cref="GranaryUsageException"><c>GRN2010</c>: there is nothing to choose.</exception>
    public Task<ChosenModel> ChooseAsync() => _chosen.Value;

    /// <summary>Logs that the application's own client is used.</summary>
    public void AnnounceRegistered() => LogChoice(_logger, "the registered IChatClient", "the application registers one");

    public void Dispose() => Made?.Client.Dispose();

    private async Task<ChosenModel> ChooseOnceAsync()
    {
        var chosen = await FindAsync().ConfigureAwait(false);
        LogChoice(_logger, chosen.Name, chosen.Why);
        return chosen;
    }

    private async Task<ChosenModel> FindAsync()
    {
        foreach (var name in (string[])["GEMINI_API_KEY", "GOOGLE_API_KEY"])
        {
            if (Read(name) is not { } key)
                continue;
            var options = GeminiOptions.FromEnvironment(Read);
            options.ApiKey = key;
            try
            {
                return new(new GeminiChatClient(options), $"Gemini {options.Model}", $"{name} is set");
            }
            catch (ArgumentException e)
            {
                throw new GranaryUsageException("GRN1902", $"The settings of Gemini can't be used: {e.Message}", $"Correct {name}, GRANARY_GEMINI_MODEL and GRANARY_GEMINI_ENDPOINT.", e);
            }
        }

        if (!(_options.Detect ?? _services.GetService<IHostEnvironment>() is not { } environment || environment.IsDevelopment()))
        {
            throw new GranaryUsageException("GRN2010", "No model is configured.",
                "Register an IChatClient (services.AddChatClient), or set GEMINI_API_KEY. Ollama and the offline demo model are tried in the Development environment only.");
        }

        var (ollama, finding) = await OllamaModel.FindAsync(Read("OLLAMA_HOST"), _options.OllamaLimit).ConfigureAwait(false);
        return ollama is not null
            ? new(ollama, $"Ollama {ollama.SelectedModel}", $"no Gemini key is set, and {finding}")
            : new(new OfflineChatClient(), "the offline demo model", $"no Gemini key is set, and {finding}. It follows rules and is no language model: set GEMINI_API_KEY for a real one");
    }

    private string? Read(string name)
    {
        var value = _services.GetService<IConfiguration>()?[name] ?? Environment.GetEnvironmentVariable(name);
        return string.IsNullOrWhiteSpace(value) ? null : value.Trim();
    }
}

/// <summary>A model and why it was chosen.</summary>
internal sealed record ChosenModel(IChatClient Client, string Name, string Why);
