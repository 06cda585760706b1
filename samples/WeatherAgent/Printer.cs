using System.Text.Encodings.Web;
using System.Text.Json;
using Granary;

namespace WeatherAgent;

/// <summary>Prints what happens: for people, or one JSON object a line.</summary>
/// <param name="settings">What the command line asked for.</param>
/// <param name="pid">This process.</param>
/// <param name="clockOffset">How far this machine's clock is behind the journal's.</param>
internal sealed class Printer(Settings settings, int pid, TimeSpan clockOffset = default)
{
    private static readonly JsonSerializerOptions _json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static DateTimeOffset _processStart;

    /// <summary>To be called first: what was committed before was done by another process.</summary>
    public static void Begin() => _processStart = DateTimeOffset.UtcNow;

    public bool IsFromJournal(RunUpdate update) => update.At < _processStart + clockOffset;

    /// <summary>A silo has joined and executes runs.</summary>
    public void Ready(string silo) =>
        Line(settings.Json ? JsonSerializer.Serialize(new { @event = "ready", silo, pid, roles = settings.Roles }, _json) : $"ready {silo} (process {pid})");

    /// <summary>The answer of one of many runs, on one line.</summary>
    public void Answer(RunId id, string text) =>
        Line(settings.Json ? JsonSerializer.Serialize(new { @event = "answer", id = id.Value, text }, _json) : $"{id} {text.ReplaceLineEndings(" ")}");

    public void Run(RunHandle run)
    {
        if (settings.Json)
        {
            if (settings.Id is null)
                Line(JsonSerializer.Serialize(new { @event = "run", id = run.Id.Value }, _json));
            return;
        }

        Line($"run {run.Id} (process {pid})");
        if (run.InputDiffers)
            Line("it was started with another question, which stands");
    }

    public void Step(StepEnded ended)
    {
        var step = ended.Step;
        var milliseconds = Math.Max(0, (long)(step.Duration ?? TimeSpan.Zero).TotalMilliseconds);
        if (settings.Json)
        {
            Line(JsonSerializer.Serialize(new
            {
                @event = "step",
                key = step.Key.Value,
                kind = step.Kind,
                name = step.Name,
                attempt = step.Attempt,
                source = Source(ended),
                ms = milliseconds,
                status = step.Status.ToString().ToLowerInvariant(),
                error = step.Error?.Message,
            }, _json));
            return;
        }

        Line($"  {Source(ended),-8}  {step.Key.Value,-8} {step.Kind,-5} {step.Name,-16} {(step.Status == StepStatus.Succeeded ? $"{milliseconds} ms" : $"{step.Status.ToString().ToLowerInvariant()}: {step.Error?.Message}")}");
    }

    /// <summary>A question to whoever sits here, and how to answer it.</summary>
    public void Approval(PendingApproval asked)
    {
        var text = asked.Arguments?.GetString() ?? "";
        Line(settings.Json
            ? JsonSerializer.Serialize(new { @event = "approval", id = asked.Id, question = asked.Question, text }, _json)
            : $"\n{text}\n\n{asked.Question} Type yes or no and Enter; what follows the word is the comment. (approval {asked.Id})");
    }

    public void Answer(string text, bool fromJournal)
    {
        if (settings.Json)
            Line(JsonSerializer.Serialize(new { @event = "answer", text, source = fromJournal ? "journal" : "executed" }, _json));
        else
            Line($"\n{text}");
    }

    private string Source(RunUpdate update) => IsFromJournal(update) ? "journal" : "executed";

    private static void Line(string text)
    {
        Console.Out.WriteLine(text);
        Console.Out.Flush();
    }
}
