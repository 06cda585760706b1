using System.Globalization;
using System.Text.Json;

namespace Granary;

/// <summary>Turns refusals, broken answers and error objects into <see cref="ModelException"/>.</summary>
internal static class GeminiErrors
{
    public static ModelException Unreadable(string why, Exception? cause = null, bool isTransient = true, int? status = null) =>
        new(ModelErrors.UnreadableReply, $"Gemini's reply cannot be used: {why}.",
            isTransient ? "Try again; when it stays, check that the endpoint is Gemini's." : "Check the endpoint (GRANARY_GEMINI_ENDPOINT).", cause)
        {
            IsTransient = isTransient,
            Status = status,
        };

    public static ModelException BlockedPrompt(string reason) =>
        new(ModelErrors.Blocked, $"Gemini blocked the prompt ({reason}).", "Change the prompt, or the safetySettings where the reason is SAFETY.")
        {
            Status = 200,
            ProviderStatus = reason,
        };

    public static ModelException MalformedCall(string reason) =>
        new(ModelErrors.MalformedFunctionCall, $"The model wrote a function call that cannot be executed ({reason}).",
            "Try again; when it stays, simplify the tools' schemas and descriptions.")
        {
            Status = 200,
            ProviderStatus = reason,
            IsTransient = true,
        };

    /// <summary>The error for an answer that is no success. The body may be an error object, an array with one, or anything else.</summary>
    public static ModelException FromBody(int status, string body, TimeSpan? retryAfterHeader, Func<string, string> redact)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind is JsonValueKind.Array && root.GetArrayLength() > 0)
                root = root[0];
            if (root.ValueKind is JsonValueKind.Object && root.TryGetProperty("error", out var error) && error.ValueKind is JsonValueKind.Object)
                return FromError(status, error, retryAfterHeader, redact);
        }
        catch (JsonException)
        {
            // A proxy's page, or an object cut short: the status alone has to say it.
        }

        return Create(status, providerStatus: null, reason: null, message: null, isDaily: false, retryAfterHeader);
    }

    /// <summary>The error for an <c>error</c> object; its own code wins over the status of the answer that carried it.</summary>
    public static ModelException FromError(int status, JsonElement error, TimeSpan? retryAfterHeader, Func<string, string> redact)
    {
        if (error.TryGetProperty("code", out var code) && code.ValueKind is JsonValueKind.Number && code.TryGetInt32(out var own))
            status = own;
        string? reason = null;
        TimeSpan? retryDelay = null;
        var isDaily = false;
        if (error.TryGetProperty("details", out var details) && details.ValueKind is JsonValueKind.Array)
            foreach (var detail in details.EnumerateArray().Where(detail => detail.ValueKind is JsonValueKind.Object))
            {
                reason = Text(detail, "reason") ?? reason;
                retryDelay = Duration(Text(detail, "retryDelay")) ?? retryDelay;
                isDaily |= NamesDay(detail);
            }

        var message = Text(error, "message") is { } said ? redact(said) : null;
        return Create(status, Text(error, "status"), reason, message, isDaily, retryDelay ?? retryAfterHeader);
    }

    private static ModelException Create(
        int status, string? providerStatus, string? reason, string? message, bool isDaily, TimeSpan? retryAfter)
    {
        var isKey = status is 401 or 403 || reason?.StartsWith("API_KEY", StringComparison.Ordinal) is true;
        var (code, what, remedy, isTransient) = status switch
        {
            _ when isKey => (ModelErrors.KeyRefused, "Gemini refused the key", "Check GEMINI_API_KEY and what the key may use.", false),
            404 => (ModelErrors.ModelNotFound, "Gemini does not know the model", "Check the model's name (GRANARY_GEMINI_MODEL).", false),
            408 => (ModelErrors.TimedOut, "Gemini gave up waiting for the request", "Try again.", true),
            429 when isDaily => (ModelErrors.DailyQuotaExhausted, "The daily quota of the key is used up",
                "Wait until the quota is renewed, raise it, or use another model.", false),
            429 => (ModelErrors.RateLimited, "Gemini limits the rate of requests", "Wait as long as RetryAfter says, or lower the rate.", true),
            >= 500 => (ModelErrors.ServerError, "Gemini failed to answer", "Try again with a growing delay.", true),
            >= 400 => (ModelErrors.InvalidRequest, "Gemini found the request invalid", "Change the request; the same one fails again.", false),
            _ => (ModelErrors.UnreadableReply, "Gemini's reply is no answer", "Check the endpoint (GRANARY_GEMINI_ENDPOINT).", false),
        };
        var named = providerStatus is null ? $"HTTP {status}" : $"HTTP {status} {providerStatus}";
        return new(code, message is null ? $"{what} ({named})." : $"{what} ({named}): {message.TrimEnd()}", remedy)
        {
            Status = status,
            ProviderStatus = providerStatus,
            IsTransient = isTransient,
            RetryAfter = isTransient ? retryAfter : null,
        };
    }

    // QuotaFailure names the quota in quotaId or quotaMetric, ErrorInfo in metadata.quota_limit: "...RequestsPerDay...", "..._per_day".
    private static bool NamesDay(JsonElement detail)
    {
        if (detail.TryGetProperty("metadata", out var metadata) && metadata.ValueKind is JsonValueKind.Object && IsDay(Text(metadata, "quota_limit")))
            return true;
        return detail.TryGetProperty("violations", out var violations) && violations.ValueKind is JsonValueKind.Array
            && violations.EnumerateArray().Any(violation => violation.ValueKind is JsonValueKind.Object
                && (IsDay(Text(violation, "quotaId")) || IsDay(Text(violation, "quotaMetric"))));

        static bool IsDay(string? quota) =>
            quota is not null && quota.Replace("_", "", StringComparison.Ordinal).Contains("PerDay", StringComparison.OrdinalIgnoreCase);
    }

    private static TimeSpan? Duration(string? text) =>
        text is { Length: > 1 } && text[^1] == 's'
        && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
        && seconds <= TimeSpan.MaxValue.TotalSeconds / 2
            ? TimeSpan.FromSeconds(seconds)
            : null;

    private static string? Text(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;
}
