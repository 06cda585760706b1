using System.Text.Json.Nodes;
using Granary.Tests.Agents.Gemini;
using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>Model calls as the model's side counts them, over the kills of the sample that makes them.</summary>
[Trait("Speed", "Slow")]
public sealed class ModelCallKillTests
{
    [Fact]
    [Trait("Scenario", "A-01")]
    public async Task a_kill_after_the_tool_repeats_neither_the_tool_nor_the_model_call_before_it()
    {
        await using var server = new LoopbackServer(Answer);
        using var run = new KilledRun();

        // In the sleep between the two model calls nothing is on its way.
        string[] arguments = ["How is Rome?", "--sleep", "1s"];

        var killed = await run.SampleAsync(arguments, Gemini(server), (child, line) =>
        {
            if (line.Contains("\"tool\"", StringComparison.Ordinal))
                child.Kill();
        });
        var last = await run.SampleAsync(arguments, Gemini(server));

        Assert.True(killed.WasKilled, run.ToString());
        AssertEnded(run, last);
        Assert.Equal([false, true], server.Requests.Select(IsSecond));
        Assert.Single(run.Effects, e => e.Begins);
    }

    [Fact]
    [Trait("Scenario", "A-02")]
    public async Task a_model_call_that_a_kill_cut_off_is_made_again_once()
    {
        var calls = 0;
        await using var server = new LoopbackServer(request => Interlocked.Increment(ref calls) == 1
            ? Answer(request) with { BeforeHead = stop => Task.Delay(Timeout.Infinite, stop) }
            : Answer(request));
        using var run = new KilledRun();

        await run.SampleAsync(["How is Rome?"], Gemini(server), meanwhile: async child =>
        {
            await server.Asked.WaitAsync(ChildProcess.Deadline, TestContext.Current.CancellationToken);
            child.Kill();
        });
        var last = await run.SampleAsync(["How is Rome?"], Gemini(server));

        Assert.Equal(1, run.Kills);
        AssertEnded(run, last);
        Assert.Equal([false, false, true], server.Requests.Select(IsSecond));
        Assert.Equal(server.Requests[0].Body, server.Requests[1].Body);

        // No turn of the conversation is doubled: the question, the call, its result.
        Assert.Equal(["user", "model", "user"], server.Requests[2].Json["contents"]!.AsArray().Select(c => c!["role"]!.GetValue<string>()));
        Assert.Single(run.Effects, e => e.Begins);
    }

    private static void AssertEnded(KilledRun run, Part last)
    {
        var violations = Violations.Of(run);
        Assert.True(violations.Count == 0, $"{string.Join('\n', violations)}\n{run}");
        Assert.True(last.ExitCode == 0, run.ToString());
        Assert.Equal("It is fine.", SampleLine.Of(last)[^1].Text);
        Assert.Equal(["llm", "tool", "llm"], last.After.Attempts.Select(a => a.Kind).Where(k => k != "timer"));
    }

    private static Dictionary<string, string> Gemini(LoopbackServer server) => new()
    {
        ["GEMINI_API_KEY"] = GeminiLoopback.Key,
        ["GRANARY_GEMINI_ENDPOINT"] = server.Endpoint.ToString(),
        ["GRANARY_GEMINI_MODEL"] = GeminiLoopback.Model,
    };

    private static bool IsSecond(LoopbackRequest request) => request.Body.Contains("functionResponse", StringComparison.Ordinal);

    private static LoopbackReply Answer(LoopbackRequest request)
    {
        var part = IsSecond(request)
            ? new JsonObject { ["text"] = "It is fine." }
            : new JsonObject { ["functionCall"] = new JsonObject { ["name"] = "GetWeather", ["args"] = new JsonObject { ["city"] = "Rome" } } };
        return LoopbackReply.Json(200, new JsonObject
        {
            ["candidates"] = new JsonArray(new JsonObject
            {
                ["content"] = new JsonObject { ["role"] = "model", ["parts"] = new JsonArray(part) },
                ["finishReason"] = "STOP",
            }),
        }.ToJsonString());
    }
}
