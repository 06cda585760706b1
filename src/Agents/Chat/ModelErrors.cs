namespace Granary;

/// <summary>The stable codes of <see cref="ModelException"/>.</summary>
internal static class ModelErrors
{
    public const string InvalidRequest = "GRN2201";
    public const string KeyRefused = "GRN2202";
    public const string ModelNotFound = "GRN2203";
    public const string RateLimited = "GRN2204";
    public const string DailyQuotaExhausted = "GRN2205";
    public const string ServerError = "GRN2206";
    public const string Blocked = "GRN2207";
    public const string MalformedFunctionCall = "GRN2208";
    public const string TimedOut = "GRN2209";
    public const string UnreadableReply = "GRN2210";
    public const string Unreachable = "GRN2211";
}
