namespace Granary.Tests.Model;

/// <summary>What a case has broken first, and the story of how it came to that.</summary>
internal sealed class Verdict
{
    private readonly List<string>? _story;

    public Verdict(bool tellsStory) => _story = tellsStory ? [] : null;

    /// <summary>Null while nothing is broken.</summary>
    public string? Broken { get; private set; }

    public IReadOnlyList<string> Story => _story ?? [];

    public void Break(string what) => Broken ??= what;

    public void Tell(string what)
    {
        if (Broken is null)
            _story?.Add(what);
    }
}
