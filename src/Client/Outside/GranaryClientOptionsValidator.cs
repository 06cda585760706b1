using Microsoft.Extensions.Options;

namespace Granary;

/// <summary>Checks settings at start; a failure lists every key that is wrong.</summary>
[OptionsValidator]
internal sealed partial class GranaryClientOptionsValidator : IValidateOptions<GranaryClientOptions>;
