namespace Granary.Runs;

/// <summary>Who is alive.</summary>
internal interface ISiloMembers
{
    /// <summary>Whether runs of that owner must be taken over. A silo that isn't known may only be new: it is dead once it has been unknown for a while.</summary>
    bool IsDead(string incarnation);
}
