namespace Granary;

/// <summary>
/// The places between the engine's awaits at which the crash suite kills the process, one after the other. Does nothing
/// in an application: only the suite's own host, which is no part of the product, sets what happens here.
/// </summary>
internal static class CrashPoint
{
    /// <summary>Called with the place's name.</summary>
    public static Action<string>? Reached { get; set; }

    /// <summary>
    /// The deliberately broken build: appends are acknowledged before they are committed. It exists to show that the
    /// crash suite notices.
    /// </summary>
    public static bool AcknowledgesBeforeCommit { get; set; }

    public static void At(string place) => Reached?.Invoke(place);
}
