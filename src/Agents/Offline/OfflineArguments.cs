using Microsoft.Extensions.AI;

namespace Granary.Agents;

/// <summary>Fills a tool's parameters from a question.</summary>
/// <param name="Sets">The arguments of each call.</param>
/// <param name="Missing">A required parameter that could not be filled; then there are no calls.</param>
internal sealed record OfflineArguments(IReadOnlyList<Dictionary<string, object?>> Sets, OfflineParameter? Missing)
{
    public static OfflineArguments For(OfflineQuestion question, AIFunctionDeclaration tool)
    {
        var parameters = OfflineParameter.Of(tool);
        var filled = new Dictionary<string, object?>();
        var numbers = new Queue<decimal>(question.Numbers);
        foreach (var parameter in parameters.Where(p => !p.IsNamed))
        {
            if (Value(question, parameter, numbers) is { } value)
                filled[parameter.Name] = value;
            else if (parameter.IsRequired)
                return new([], parameter);
        }

        return Named(question, parameters, filled);
    }

    /// <summary>Fills the free texts: one parameter gets a call for each thing the question names, several are told apart by the words before them or by their order.</summary>
    private static OfflineArguments Named(OfflineQuestion question, IReadOnlyList<OfflineParameter> parameters, Dictionary<string, object?> filled)
    {
        var required = parameters.Where(p => p.IsNamed && p.IsRequired).ToList();
        var optional = parameters.Where(p => p.IsNamed && !p.IsRequired).ToList();
        if (required.Count == 0 && optional.Count == 1 && question.Named.Count > 0 && !parameters.Any(p => p.IsSentence))
            required = optional;
        else
        {
            foreach (var parameter in optional.Where(p => question.After(p.Name) is not null))
                filled[parameter.Name] = question.After(parameter.Name);
        }

        switch (required.Count)
        {
            case 0:
                return new([filled], null);
            case 1:
                var names = question.Named.Except(filled.Values.OfType<string>(), StringComparer.Ordinal).ToList();
                return names.Count == 0
                    ? new([], required[0])
                    : new([.. names.Select(name => new Dictionary<string, object?>(filled) { [required[0].Name] = name })], null);
            default:
                return Several(question, required, filled);
        }
    }

    private static OfflineArguments Several(OfflineQuestion question, List<OfflineParameter> required, Dictionary<string, object?> filled)
    {
        var led = required.ToDictionary(p => p, p => question.After(p.Name));
        var free = new Queue<string>(question.Named.Except(led.Values.OfType<string>(), StringComparer.Ordinal));
        foreach (var parameter in required)
        {
            var value = led[parameter] ?? (free.TryDequeue(out var next) ? next : null);
            if (value is null)
                return new([], parameter);
            filled[parameter.Name] = value;
        }

        return new([filled], null);
    }

    private static object? Value(OfflineQuestion question, OfflineParameter parameter, Queue<decimal> numbers) => parameter switch
    {
        { Choices.Count: > 0 } => parameter.Choices.FirstOrDefault(question.Has),
        { Type: "integer" } => Integer(numbers),
        { Type: "number" } => numbers.TryDequeue(out var number) ? number : null,
        { Type: "boolean" } => Flag(question, parameter),
        { Type: "array", ItemType: "string" or null } => question.Named.Count > 0 ? question.Named.ToArray() : null,
        { Type: "array", ItemType: "number" } => question.Numbers.Count > 0 ? question.Numbers.ToArray() : null,
        { Type: "array", ItemType: "integer" } => question.Numbers.Count > 0 && question.Numbers.All(decimal.IsInteger) ? question.Numbers.Select(n => (long)n).ToArray() : null,
        { IsSentence: true } => question.Quotes.Count > 0 ? question.Quotes[0] : question.Text is { Length: > 0 } text ? text : null,
        _ => null,
    };

    private static object? Integer(Queue<decimal> numbers)
    {
        while (numbers.TryDequeue(out var number))
        {
            if (decimal.IsInteger(number) && Math.Abs(number) <= long.MaxValue)
                return (long)number;
        }

        return null;
    }

    private static object? Flag(OfflineQuestion question, OfflineParameter parameter)
    {
        var words = OfflineWords.Of(parameter.Name);
        if (!words.Any(w => question.Words.Contains(w)))
            return null;
        return !words.Any(w => question.Has("no " + w) || question.Has("without " + w) || question.Has("not " + w));
    }
}
