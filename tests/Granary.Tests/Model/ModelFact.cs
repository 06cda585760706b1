using Granary.Journal;

namespace Granary.Tests.Model;

/// <summary>Kinds of rows that the protocol has and the journal's other kinds don't stand for.</summary>
internal static class ModelFact
{
    public const string Signalled = "Signalled";
    public const string CancelRequested = "CancelRequested";
    public const string Resumed = "Resumed";
    public const string ChildStarted = "ChildStarted";
    public const string ChildResult = "ChildResult";
    public const string ContinuedAsNew = "ContinuedAsNew";

    /// <summary>Step kind of an outcome that took a signal from the mailbox.</summary>
    public const string SignalStep = "signal";

    /// <summary>A signal that the database refuses.</summary>
    public const string Poison = "poison\0";

    public static bool IsPoison(JournalRow row) => row.Kind == Signalled && row.Name!.EndsWith(Poison, StringComparison.Ordinal);
}
