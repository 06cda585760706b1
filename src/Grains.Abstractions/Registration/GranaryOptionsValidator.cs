using Granary.Engine;
using Microsoft.Extensions.Options;

namespace Granary;

/// <summary>Checks settings before they are first used.</summary>
internal sealed class GranaryOptionsValidator : IValidateOptions<GranaryOptions>
{
    private readonly GranaryRanges _ranges = new();

    /// <summary>One failure, under <c>GRN1902</c>, that lists every setting that is wrong.</summary>
    public ValidateOptionsResult Validate(string? name, GranaryOptions options)
    {
        var wrong = new List<string>();
        if (_ranges.Validate(name, options) is { Failed: true } ranges)
            wrong.AddRange(ranges.Failures);
        if (options.Json is null)
            wrong.Add("Json: it is null.");
        if (options.Retry is null)
            wrong.Add("Retry: it is null; use RetryOptions.None for no retries.");
        else if (options.Retry.Problem() is { } problem)
            wrong.Add($"Retry: it has {problem.What}; pass {problem.Instead}.");
        if (string.IsNullOrWhiteSpace(options.ConnectionName))
            wrong.Add("ConnectionName: it is blank.");
        if (options.DataPath is { } path && string.IsNullOrWhiteSpace(path))
            wrong.Add("DataPath: it is blank; leave it out for granary.db.");
        foreach (var role in options.Roles ?? [])
        {
            try
            {
                Names.CheckName(role, "role");
            }
            catch (GranaryUsageException e)
            {
                wrong.Add($"Roles: {e.What}");
            }
        }

        return wrong.Count == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"GRN1902: Settings of Granary are wrong. {string.Join(" ", wrong)} Change them in code, or in the section Granary of the configuration.");
    }
}

/// <summary>The ranges that stand at the options themselves.</summary>
[OptionsValidator]
internal sealed partial class GranaryRanges : IValidateOptions<GranaryOptions>;
