namespace Granary.Engine;

/// <summary>The rules for ids and names, checked before anything is queued, so that no store ever meets a bad one.</summary>
internal static class Names
{
    public const int MaxNameLength = 128;

    public static void CheckRunId(string? value) => Check(value, "run id", RunId.MaxLength, "GRN1701");

    /// <summary>Checks a workflow, step, branch, tool or agent name.</summary>
    public static void CheckName(string? value, string what) => Check(value, what, MaxNameLength, "GRN1703");

    public static void CheckIdempotencyKey(string? value) => Check(value, "idempotency key", RunId.MaxLength, "GRN1704");

    private static void Check(string? value, string what, int maxLength, string code)
    {
        if (string.IsNullOrWhiteSpace(value))
            throw new GranaryUsageException(code, $"A {what} is blank.", $"Give it 1 to {maxLength} characters.");
        if (value.Length > maxLength)
        {
            throw new GranaryUsageException(code, $"The {what} '{value[..32]}…' has {value.Length} characters; the limit is {maxLength}.",
                "Shorten it, for example to a hash of what it stands for.");
        }

        for (var i = 0; i < value.Length; i++)
        {
            var c = value[i];
            if (char.IsControl(c))
                throw new GranaryUsageException(code, $"The {what} has the control character U+{(int)c:X4} at {i}.", "Leave control characters out.");
            if (!char.IsSurrogate(c))
                continue;
            if (i + 1 < value.Length && char.IsSurrogatePair(c, value[i + 1]))
                i++;
            else
                throw new GranaryUsageException(code, $"The {what} has half of a surrogate pair at {i}: it is no valid Unicode.", "Pass valid text.");
        }
    }
}
