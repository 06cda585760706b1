namespace Granary.Runs;

/// <summary>Tells whoever wakes parked runs of one more. The row is committed before; this only makes it exact.</summary>
internal interface IWakeUps
{
    /// <summary>Completes when the keeper knows, or when it will look by itself before the run is due. Never throws.</summary>
    Task TellAsync(long key, string id, DateTimeOffset due);
}
