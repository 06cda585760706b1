using System.Text.Json;
using Granary.Engine;

namespace Granary.Runs;

/// <summary>Turns exceptions into what is recorded of them.</summary>
internal static class RunErrors
{
    private const int MaxMessage = 16 * 1024;

    public static RunError Describe(Exception exception, StepKey? step = null)
    {
        // What failed is the step; that it arrived wrapped is an artefact of the call.
        if (exception is StepFailedException failed)
            return failed.Error with { Step = failed.Error.Step ?? failed.Step.Value };
        if (exception is ActivityFailedException remote)
            return remote.Error with { Step = step?.Value };
        var (type, message) = (exception.GetType(), Message(exception));
        return new RunError(
            type.FullName ?? type.Name,
            message.Length > MaxMessage ? message[..MaxMessage] + "…" : message,
            exception switch
            {
                GranaryException own => own.Code,
                TerminalException terminal => terminal.Code,
                _ => null,
            },
            Details(exception),
            step?.Value,
            BaseTypes(type));
    }

    private static string Message(Exception exception)
    {
        try
        {
            return Sanitise(exception.Message);
        }
        catch (Exception e)
        {
            return $"(the message can't be read: {e.GetType().Name})";
        }
    }

    /// <summary>Half surrogate pairs can't be written as UTF-8.</summary>
    private static string Sanitise(string text) => System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text));

    private static JsonElement? Details(Exception exception)
    {
        if (exception is not TerminalException { Details: { } details })
            return null;
        try
        {
            return JsonSerializer.SerializeToElement(details, GranaryJson.Own);
        }
        catch (Exception e)
        {
            return JsonSerializer.SerializeToElement($"(details of type {details.GetType()} can't be written as JSON: {e.Message})");
        }
    }

    private static List<string>? BaseTypes(Type type)
    {
        var names = new List<string>();
        for (var t = type.BaseType; t is not null && t != typeof(Exception) && t != typeof(object); t = t.BaseType)
            names.Add(t.FullName ?? t.Name);
        return names.Count == 0 ? null : names;
    }
}
