using System.Text;
using Granary.Journal;
using Granary.Runs;

namespace Granary.Tests.Model;

/// <summary>
/// A run as an activation knows it from its journal. Outcomes, timers and attempts are read by the engine's own
/// <see cref="RunHistory"/>; what the engine doesn't have yet (mailbox, children, cancel) is read here.
/// </summary>
internal sealed class RunView
{
    private readonly HashSet<string> _children = [];
    private readonly HashSet<string> _results = [];

    public RunHistory History { get; } = new();

    /// <summary>Which generation of the run the journal is, from 0.</summary>
    public int Generation { get; private set; }

    /// <summary>Signals in the order of their acceptance, the taken ones included.</summary>
    public List<string> Signals { get; } = [];

    public int Taken { get; private set; }

    public bool IsCancelled { get; private set; }

    /// <summary>How it ended; null while it hasn't, or was resumed.</summary>
    public string? End { get; private set; }

    public bool HasStarted(string child) => _children.Contains(child);

    public bool HasResult(string child) => _results.Contains(child);

    public void Add(JournalRow row)
    {
        History.Add(row);
        switch (row.Kind)
        {
            case FactKind.Started:
                Generation = row.Attempt;
                Signals.AddRange(Carried(row));
                break;
            case FactKind.StepSucceeded when row.StepKind == ModelFact.SignalStep:
                Taken++;
                break;
            case ModelFact.Signalled:
                Signals.Add(row.Name!);
                break;
            case ModelFact.CancelRequested:
                IsCancelled = true;
                break;
            case ModelFact.Resumed:
                IsCancelled = false;
                End = null;
                break;
            case ModelFact.ChildStarted:
                _children.Add(row.Name!);
                break;
            case ModelFact.ChildResult:
                _results.Add(row.Name!);
                break;
            case var kind when FactKind.IsTerminal(kind):
                End = kind;
                break;
        }
    }

    /// <summary>The mailbox that a generation was given by the one before it.</summary>
    public static Payload? Carry(IEnumerable<string> signals) =>
        string.Join(',', signals) is { Length: > 0 } text ? new Payload("text", Encoding.UTF8.GetBytes(text)) : null;

    private static string[] Carried(JournalRow started) => started.Output is null ? [] : Encoding.UTF8.GetString(started.Output.Bytes).Split(',');
}
