namespace Granary;

/// <summary>The root of Granary's errors. The message begins with the code and ends with the remedy.</summary>
public class GranaryException : Exception
{
    /// <summary>Makes an error.</summary>
    /// <param name="code">Stable: <c>GRN</c> and four digits; <c>docs/errors.md</c> lists them.</param>
    /// <param name="what">What happened, with the ids.</param>
    /// <param name="remedy">What to do about it.</param>
    /// <param name="inner">What caused it.</param>
    public GranaryException(string code, string what, string? remedy = null, Exception? inner = null)
        : base(remedy is null ? $"{code}: {what}" : $"{code}: {what} {remedy}", inner)
    {
        Code = code;
        What = what;
        Remedy = remedy;
    }

    /// <summary>Stable: <c>GRN</c> and four digits.</summary>
    public string Code { get; }

    /// <summary>What to do about it.</summary>
    public string? Remedy { get; }

    /// <summary>Whether the same call may succeed later without anything being changed.</summary>
    public bool IsTransient { get; init; }

    /// <summary>What happened, without code and remedy.</summary>
    internal string What { get; }
}
