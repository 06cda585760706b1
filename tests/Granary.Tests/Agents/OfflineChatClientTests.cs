using System.ComponentModel;
using Microsoft.Extensions.AI;
using Xunit;

namespace Granary.Tests.Agents;

public sealed class OfflineChatClientTests
{
    private enum Unit
    {
        Celsius,
        Fahrenheit,
    }

    [Theory]
    [InlineData("What is the weather in Rome and New York?", "Rome|New York")]
    [InlineData("weather in Rome, Oslo and Rio de Janeiro please", "Rome|Oslo|Rio de Janeiro")]
    [InlineData("Is it raining in São Paulo today?", "São Paulo")]
    [InlineData("Rome, Oslo and Lima: how is the weather?", "Rome|Oslo|Lima")]
    [InlineData("Compare the weather of Paris and London.", "Paris|London")]
    [InlineData("Is Rome's weather better than Oslo's?", "Rome|Oslo")]
    [InlineData("New York weather?", "New York")]
    [InlineData("Weather: Rome", "Rome")]
    [InlineData("What's Rome's weather?", "Rome")]
    [InlineData("Weather in \"bad reichenhall\"?", "bad reichenhall")]
    [InlineData("What's the weather in Rome? And in Rome tomorrow?", "Rome")]
    public async Task each_place_that_a_question_names_gets_a_call_of_its_own_at_the_same_time(string question, string cities)
    {
        var calls = Calls(await AskAsync(question, Weather()));

        Assert.Equal(cities.Split('|'), calls.Select(c => c.Arguments!["city"]));
        Assert.Equal(calls.Count, calls.Select(c => c.CallId).Distinct().Count());
        Assert.All(calls, c => Assert.Equal("get_weather", c.Name));
    }

    [Fact]
    public async Task other_tools_are_chosen_by_what_they_are_called_and_described_as()
    {
        var tools = Durable.With(
            Weather(),
            Tool("convert_money", "Converts an amount of money.", (decimal amount, string from, string to) => 0m),
            Tool("roll_dice", "Rolls dice.", (int sides) => 0));

        var money = Assert.Single(Calls(await AskAsync("How much money is 12.5 from EUR to USD?", tools)));
        var dice = Assert.Single(Calls(await AskAsync("Roll a dice with 20 sides", tools)));

        Assert.Equal(("convert_money", "12.5", "EUR", "USD"), (money.Name, $"{money.Arguments!["amount"]}".Replace(',', '.'), money.Arguments["from"], money.Arguments["to"]));
        Assert.Equal(("roll_dice", 20L), (dice.Name, dice.Arguments!["sides"]));
    }

    [Fact]
    public async Task a_question_about_two_things_calls_both_tools()
    {
        var calls = Calls(await AskAsync("What are the weather and the local clock in Rome?", Durable.With(Weather(), Tool("get_clock", "Local time.", (string city) => ""))));

        Assert.Equal([("get_weather", "Rome"), ("get_clock", "Rome")], calls.Select(c => (c.Name, (string)c.Arguments!["city"]!)));
    }

    [Fact]
    public async Task choices_are_taken_from_the_question_and_the_rest_is_left_out()
    {
        var tool = Tool("get_weather", "Current weather.", (string city, Unit unit, int days = 1) => "ran");

        var call = Assert.Single(Calls(await AskAsync("Weather in Oslo in fahrenheit?", Durable.With(tool))));

        Assert.Equal("Fahrenheit", call.Arguments!["unit"]);
        Assert.Equal(["unit", "city"], call.Arguments.Keys);
        Assert.Equal("ran", (await tool.InvokeAsync(new(call.Arguments), TestContext.Current.CancellationToken))?.ToString());
    }

    [Theory]
    [InlineData("What is the weather like?", "city")]
    [InlineData("Roll the dice!", "sides")]
    public async Task a_value_that_the_question_lacks_is_said_and_nothing_is_made_up(string question, string parameter)
    {
        var reply = await AskAsync(question, Durable.With(Weather(), Tool("roll_dice", "Rolls dice.", (int sides) => 0)));

        Assert.Empty(Calls(reply));
        Assert.StartsWith("[offline demo model] ", reply.Text, StringComparison.Ordinal);
        Assert.Contains($"'{parameter}'", reply.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("What is the capital of France?")]
    [InlineData("Which city is the largest?")]
    [InlineData("Hello!")]
    [InlineData("Write a poem about Rome")]
    public async Task where_no_tool_fits_it_says_so_names_its_tools_and_how_to_get_a_model(string question)
    {
        var reply = await AskAsync(question, Weather());

        Assert.Empty(Calls(reply));
        Assert.StartsWith("[offline demo model] ", reply.Text, StringComparison.Ordinal);
        Assert.Contains("get_weather", reply.Text, StringComparison.Ordinal);
        Assert.Contains("GEMINI_API_KEY", reply.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task without_tools_it_says_that_it_knows_nothing()
    {
        Assert.StartsWith("[offline demo model] I have no tools", (await AskAsync("Weather in Rome?", new ChatOptions())).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task through_the_durable_loop_it_reports_what_the_tools_return_errors_included()
    {
        var journal = new FakeJournal();
        var tool = Tool("get_weather", "Current weather in a city.", (string city) => city == "Oslo" ? throw new InvalidOperationException() : $"21 °C in {city}");

        var answer = await new FakeRunEngine(journal).RunAsync(_ => Durable.Client(new OfflineChatClient())
            .GetResponseAsync("What is the weather in Rome and Oslo?", Durable.With(tool)));

        Assert.Equal(
            "[offline demo model] The tools answer:\n- get_weather(city: Rome): 21 °C in Rome\n- get_weather(city: Oslo): Error: Function failed.",
            answer.Messages[^1].Text);
        Assert.Equal(["llm", "tool", "tool", "llm"], journal.Steps.Select(s => s.Kind));
    }

    [Fact]
    public async Task calls_one_at_a_time_are_made_one_after_the_other()
    {
        var journal = new FakeJournal();
        var options = Durable.With(Weather());
        options.AllowMultipleToolCalls = false;

        await new FakeRunEngine(journal).RunAsync(_ => Durable.Client(new OfflineChatClient()).GetResponseAsync("Weather in Rome and Oslo?", options));

        Assert.Equal(["llm", "tool", "llm", "tool", "llm"], journal.Steps.Select(s => s.Kind));
    }

    [Fact]
    public async Task only_the_last_question_counts()
    {
        ChatMessage[] messages = [new(ChatRole.User, "Weather in Rome?"), new(ChatRole.Assistant, "[offline demo model] 21"), new(ChatRole.User, "And the weather in Lima?")];

        var reply = await new OfflineChatClient().GetResponseAsync(messages, Durable.With(Weather()), TestContext.Current.CancellationToken);

        Assert.Equal("Lima", Assert.Single(Calls(reply)).Arguments!["city"]);
    }

    [Fact]
    public async Task it_says_what_it_is_in_everything_that_is_recorded()
    {
        var reply = await AskAsync("Weather in Rome?", Weather());

        Assert.Equal("offline-demo (rules, not an LLM)", reply.ModelId);
        Assert.Null(reply.Usage);
        Assert.Equal("offline-demo", new OfflineChatClient().GetService<ChatClientMetadata>()!.ProviderName);
    }

    private static AIFunction Weather() => Tool("get_weather", "Current weather in a city, with rain and temperature.", ([Description("City name")] string city) => "");

    private static AIFunction Tool(string name, string description, Delegate body) => AIFunctionFactory.Create(body, name, description);

    private static Task<ChatResponse> AskAsync(string question, AIFunction tool) => AskAsync(question, Durable.With(tool));

    private static Task<ChatResponse> AskAsync(string question, ChatOptions options) =>
        new OfflineChatClient().GetResponseAsync([new(ChatRole.User, question)], options, TestContext.Current.CancellationToken);

    private static List<FunctionCallContent> Calls(ChatResponse reply) => [.. reply.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>()];
}
