namespace Granary;

/// <summary>What differs between generations of the model; an alias such as <c>gemini-flash-latest</c> counts as the newest.</summary>
internal static class GeminiModel
{
    /// <summary>From Gemini 3 on, a function call of the current turn without a signature is refused.</summary>
    public static bool DemandsSignatures(string model) => !IsOf(model, "gemini-1") && !IsOf(model, "gemini-2") && !IsOf(model, "gemma");

    /// <summary>Gemini 2.5 counts thinking in tokens; later models have levels.</summary>
    public static bool HasThinkingBudget(string model) => IsOf(model, "gemini-2.5");

    /// <summary>Models before 2.5 don't think and refuse the setting.</summary>
    public static bool Thinks(string model) => HasThinkingBudget(model) || DemandsSignatures(model);

    private static bool IsOf(string model, string family) =>
        model.AsSpan(model.LastIndexOf('/') + 1).StartsWith(family, StringComparison.OrdinalIgnoreCase);
}
