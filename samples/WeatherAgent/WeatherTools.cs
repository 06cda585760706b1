using System.ComponentModel;
using Granary;

namespace WeatherAgent;

/// <summary>The agent's tools. They make up their weather, always the same for a city, and need no network.</summary>
internal sealed class WeatherTools(Settings settings, Effects effects)
{
    private static readonly string[] _skies = ["sunny", "cloudy", "rainy", "windy", "foggy", "snowy"];

    [Description("Current weather and temperature in a city: how hot, warm or cold it is, sunny, rainy or windy.")]
    public async Task<string> GetWeather([Description("City name")] string city, StepContext step)
    {
        effects.Write(step.IdempotencyKey, step.Attempt, "begin");
        if (settings.ToolDelay > TimeSpan.Zero)
            await Task.Delay(settings.ToolDelay, step.CancellationToken).ConfigureAwait(false);
        var chance = city.ToLowerInvariant().Aggregate(17u, (hash, c) => (hash * 31) + c);
        var weather = $"{city}: {(chance % 38) - 5} °C and {_skies[chance / 38 % _skies.Length]}";
        effects.Write(step.IdempotencyKey, step.Attempt, "end");
        return weather;
    }
}
