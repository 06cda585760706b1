namespace Granary.Agents;

/// <summary>How a model is chosen where the application registers none.</summary>
internal sealed class ModelChoiceOptions
{
    /// <summary>Whether Ollama is looked for and the offline demo model may stand in. Default null: in the Development environment only.</summary>
    public bool? Detect { get; set; }

    /// <summary>How long looking for Ollama may take. Default 400 ms.</summary>
    public TimeSpan OllamaLimit { get; set; } = TimeSpan.FromMilliseconds(400);
}
