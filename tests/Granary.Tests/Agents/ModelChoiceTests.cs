using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Granary.Agents;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OllamaSharp;
using Xunit;

namespace Granary.Tests.Agents;

public sealed class ModelChoiceTests
{
    [Theory]
    [InlineData("GEMINI_API_KEY")]
    [InlineData("GOOGLE_API_KEY")]
    public async Task a_key_for_gemini_chooses_gemini_in_any_environment(string variable)
    {
        await using var app = App("Production", (variable, "k"), ("GRANARY_GEMINI_MODEL", "gemini-test"));

        var chosen = await app.GetRequiredService<ModelChoice>().ChooseAsync();

        Assert.IsType<GeminiChatClient>(chosen.Client);
        Assert.Equal(("Gemini gemini-test", $"{variable} is set"), (chosen.Name, chosen.Why));
    }

    [Fact]
    public async Task without_a_key_a_local_model_that_calls_tools_is_chosen()
    {
        using var ollama = new FakeOllama(("embed:1b", ["embedding"]), ("qwen3:4b", ["completion", "tools"]));
        await using var app = App("Development", ("OLLAMA_HOST", ollama.Host));

        var chosen = await app.GetRequiredService<ModelChoice>().ChooseAsync();

        Assert.Equal("qwen3:4b", Assert.IsType<OllamaApiClient>(chosen.Client).SelectedModel);
        Assert.Equal("Ollama qwen3:4b", chosen.Name);
    }

    [Fact]
    public async Task a_local_server_without_such_a_model_leaves_the_offline_model()
    {
        using var ollama = new FakeOllama(("embed:1b", ["embedding"]));
        await using var app = App("Development", ("OLLAMA_HOST", ollama.Host));

        var chosen = await app.GetRequiredService<ModelChoice>().ChooseAsync();

        Assert.IsType<OfflineChatClient>(chosen.Client);
        Assert.Contains("no model that calls tools", chosen.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_server_that_does_not_answer_is_not_waited_for()
    {
        // Accepts, and never says a word.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var app = App("Development", ("OLLAMA_HOST", silent.LocalEndpoint.ToString()!));

        var chosen = await app.GetRequiredService<ModelChoice>().ChooseAsync().WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);

        Assert.IsType<OfflineChatClient>(chosen.Client);
        Assert.Contains("400 ms", chosen.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task in_production_nothing_stands_in_for_a_model()
    {
        await using var app = App("Production");

        var refused = await Assert.ThrowsAsync<GranaryUsageException>(() => app.GetRequiredService<ModelChoice>().ChooseAsync());

        Assert.Equal("GRN2010", refused.Code);
    }

    [Fact]
    public async Task an_application_that_asks_for_the_choice_gets_it_in_any_environment()
    {
        await using var app = App("Production", configure: services => services.Configure<ModelChoiceOptions>(o => o.Detect = true), ("OLLAMA_HOST", Unused()));

        Assert.IsType<OfflineChatClient>((await app.GetRequiredService<ModelChoice>().ChooseAsync()).Client);
    }

    [Fact]
    public async Task one_line_at_start_says_which_model_and_why()
    {
        var log = new ListLogger();
        await using var app = App("Development", services => services.AddLogging(l => l.AddProvider(log)), ("OLLAMA_HOST", Unused()));

        foreach (var hosted in app.GetServices<IHostedService>())
            await hosted.StartAsync(TestContext.Current.CancellationToken);
        await new FakeRunEngine(services: app).RunAsync(ctx => ctx.Agent("a").AskAsync("Hello"));

        var line = Assert.Single(log.Lines);
        Assert.StartsWith("Agents use the offline demo model: no Gemini key is set, and Ollama at http://127.0.0.1:", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_registered_client_is_taken_and_the_line_says_so()
    {
        var log = new ListLogger();
        var model = new ScriptedModel(ScriptedModel.Say("mine"));
        await using var app = App("Production", services => services.AddSingleton<IChatClient>(model).AddLogging(l => l.AddProvider(log)), ("GEMINI_API_KEY", "k"));

        foreach (var hosted in app.GetServices<IHostedService>())
            await hosted.StartAsync(TestContext.Current.CancellationToken);
        var reply = await new FakeRunEngine(services: app).RunAsync(ctx => ctx.Agent("a").AskAsync("Hello"));

        Assert.Equal("mine", reply.Text);
        Assert.Collection(
            log.Lines,
            line => Assert.Equal("Agents use the registered IChatClient: the application registers one.", line),
            line => Assert.StartsWith("The registered IChatClient isn't durable", line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null, "http://127.0.0.1:11434/")]
    [InlineData("0.0.0.0", "http://127.0.0.1:11434/")]
    [InlineData("0.0.0.0:1234", "http://127.0.0.1:1234/")]
    [InlineData("box:80", "http://box/")]
    [InlineData("https://box", "https://box/")]
    [InlineData("http://box:5/x", "http://box:5/x")]
    [InlineData("ftp://box", null)]
    [InlineData("not an address", null)]
    public void the_host_is_read_as_ollama_reads_it(string? host, string? address)
    {
        Assert.Equal(address, OllamaModel.Address(host)?.AbsoluteUri);
    }

    private static ServiceProvider App(string environment, params (string Name, string Value)[] settings) => App(environment, _ => { }, settings);

    private static ServiceProvider App(string environment, Action<IServiceCollection> configure, params (string Name, string Value)[] settings)
    {
        // Blank settings hide what the machine's own environment may hold.
        string[] known = ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GRANARY_GEMINI_MODEL", "GRANARY_GEMINI_ENDPOINT", "OLLAMA_HOST"];
        var values = known.ToDictionary(name => name, string? (_) => "");
        foreach (var (name, value) in settings)
            values[name] = value;
        var services = new ServiceCollection();
        services.AddLogging().AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        services.AddSingleton<IHostEnvironment>(new Environment_(environment));
        new AgentTests.Builder(services).AddAgent("a");
        configure(services);
        return services.BuildServiceProvider();
    }

    private static string Unused()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener.LocalEndpoint.ToString()!;
    }

    private sealed class Environment_(string name) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = name;

        public string ApplicationName { get; set; } = "test";

        public string ContentRootPath { get; set; } = "";

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }

    private sealed class ListLogger : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _lines = [];

        public IEnumerable<string> Lines => _lines;

        public ILogger CreateLogger(string categoryName) => categoryName.StartsWith("Granary.Agents.Model", StringComparison.Ordinal) ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }

    /// <summary>Speaks as much of Ollama's protocol as the choice needs.</summary>
    private sealed class FakeOllama : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly Dictionary<string, string[]> _models;

        public FakeOllama(params (string Name, string[] Capabilities)[] models)
        {
            _models = models.ToDictionary(m => m.Name, m => m.Capabilities);
            Host = Unused();
            _listener.Prefixes.Add($"http://{Host}/");
            _listener.Start();
            _ = ServeAsync();
        }

        public string Host { get; }

        public void Dispose() => _listener.Close();

        private async Task ServeAsync()
        {
            while (_listener.IsListening)
            {
                var context = await _listener.GetContextAsync();
                object answer = new { models = _models.Keys.Select(name => new { name, model = name }) };
                if (context.Request.Url!.AbsolutePath == "/api/show")
                {
                    var asked = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.InputStream);
                    answer = new { capabilities = _models[asked.GetProperty("model").GetString()!] };
                }

                context.Response.ContentType = "application/json";
                await context.Response.OutputStream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(answer));
                context.Response.Close();
            }
        }
    }
}
