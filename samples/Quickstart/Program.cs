using System.ComponentModel;
using Granary;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddChatClient(new OfflineChatClient()).UseDurable();      // a demo that follows rules; or any other IChatClient
builder.AddGranary(granary =>
{
    granary.AddAgent("packer", "Say what to pack for the weather.").AddTools<ForecastTools>();
    granary.AddWorkflow<Trip>();
});
using var host = builder.Build();
await host.StartAsync();
var trips = host.Services.GetRequiredService<IGranaryClient>().Workflow<Trip>();
Console.WriteLine(await trips.RunAsync("Oslo", new() { Id = "trip-to-oslo" }));      // the same id again gives the recorded answer
await host.StopAsync();

internal sealed class Trip : Workflow<string, string>
{
    public override async Task<string> RunAsync(WorkflowContext ctx, string city)
    {
        string ticket = await ctx.StepAsync("book", step => Task.FromResult($"ticket to {city}"), new() { Retry = new(5) });
        await ctx.SleepAsync(TimeSpan.FromSeconds(1));                                // a kill here shortens and repeats nothing
        AgentReply advice = await ctx.Agent("packer").AskAsync($"What is the forecast for {city}?");
        return $"{ticket}. {advice.Text}";
    }
}

internal sealed class ForecastTools
{
    [Description("Forecast for a city.")]
    public string GetForecast([Description("City name")] string city) => $"{city}: 4 °C and rain";
}
