using Microsoft.Extensions.Options;

namespace Granary;

/// <summary>Checks settings at start; one failure, under <c>GRN1902</c>, lists every key that is wrong.</summary>
internal sealed class GranaryClientOptionsValidator : IValidateOptions<GranaryClientOptions>
{
    private readonly GranaryClientRanges _ranges = new();

    public ValidateOptionsResult Validate(string? name, GranaryClientOptions options)
    {
        var wrong = new List<string>();
        if (_ranges.Validate(name, options) is { Failed: true } ranges)
            wrong.AddRange(ranges.Failures);
        if (options.Json is null)
            wrong.Add("Json: it is null.");
        if (string.IsNullOrWhiteSpace(options.ConnectionName))
            wrong.Add("ConnectionName: it is blank.");
        return wrong.Count == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"GRN1902: Settings of Granary's client are wrong. {string.Join(" ", wrong)} Change them in code, or in the section Granary of the configuration.");
    }
}

/// <summary>The ranges that stand at the options themselves.</summary>
[OptionsValidator]
internal sealed partial class GranaryClientRanges : IValidateOptions<GranaryClientOptions>;
