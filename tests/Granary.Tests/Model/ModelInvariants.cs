using Granary.Journal;

namespace Granary.Tests.Model;

/// <summary>What must hold of every journal at any moment.</summary>
internal static class ModelInvariants
{
    public static void Check(IList<JournalRow> rows, Verdict verdict)
    {
        var (epoch, ended, cancelled) = (0, false, false);
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            if (row.Seq != i + 1)
                verdict.Break($"DENSE: row {i + 1} of a journal has the number {row.Seq}");
            if (row.Epoch < epoch)
                verdict.Break($"FENCED: {row.Kind} of epoch {row.Epoch} stands behind a claim of epoch {epoch}");
            switch (row.Kind)
            {
                case FactKind.Claimed:
                    epoch = row.Epoch;
                    if (ended && !(i + 1 < rows.Count && rows[i + 1].Kind == ModelFact.Resumed))
                        verdict.Break("AFTER THE END: a run that has ended was claimed");
                    continue;
                case ModelFact.Resumed:
                    ended = cancelled = false;
                    continue;
                case ModelFact.CancelRequested:
                    cancelled = true;
                    break;
            }

            if (ended)
                verdict.Break($"AFTER THE END: {row.Kind} stands behind the row that ends the run");
            ended |= FactKind.IsTerminal(row.Kind) || row.Kind == ModelFact.ContinuedAsNew;
            if (ended && cancelled && row.Kind != FactKind.Cancelled)
                verdict.Break($"CANCEL: a cancel was recorded, yet the run ended as {row.Kind}");
        }
    }
}
