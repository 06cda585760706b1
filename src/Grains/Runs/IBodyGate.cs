namespace Granary.Runs;

/// <summary>What every body passes before it starts.</summary>
internal interface IBodyGate
{
    /// <summary>Completes when bodies may start.</summary>
    Task PassAsync();
}
