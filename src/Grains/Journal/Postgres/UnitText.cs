using System.Text;

namespace Granary.Journal.Postgres;

/// <summary>
/// Whether a unit can be sent at all. What the server or the driver would refuse fails the whole batch, so it is looked
/// for before: rows out of order, and text with a NUL or with half of a surrogate pair.
/// </summary>
internal static class UnitText
{
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>What is wrong with it; null when nothing is.</summary>
    public static ArgumentException? Fault(AppendUnit unit)
    {
        if (unit.Rows.Count == 0)
            return new ArgumentException("A unit has no rows: the run's row changes only with its journal.");
        for (var i = 0; i < unit.Rows.Count; i++)
        {
            var row = unit.Rows[i];
            if (row.Seq != unit.PreviousSeq + 1 + i)
                return new ArgumentException($"Row {i} of a unit after {unit.PreviousSeq} has the number {row.Seq}.");
            if (Fault(row.Kind, row.StepKey, row.StepKind, row.Name, row.Input?.Codec, row.Output?.Codec) is { } fault)
                return fault;
            if (Fault(row.Error) is { } broken)
                return broken;
        }

        if (unit.NewRun is { } run && (Fault(run.Id, run.Workflow, run.Version, run.WaitingOn, run.Owner, run.TraceParent, run.Input.Codec, run.Output?.Codec) ?? Fault(run.Error)) is { } bad)
            return bad;
        foreach (var change in unit.Changes)
        {
            if ((Fault(change.WaitingOn, change.Owner, change.Result?.Output?.Codec) ?? Fault(change.Error) ?? Fault(change.Result?.Error)) is { } fault)
                return fault;
        }

        for (var i = 0; i < unit.Sides.Count; i++)
        {
            if (Fault(unit.Sides[i].Row) is { } fault)
                return fault;
        }

        return null;
    }

    /// <summary>Bytes that are text.</summary>
    public static string? Decode(byte[]? utf8) => utf8 is null ? null : _strict.GetString(utf8);

    private static ArgumentException? Fault(SideRow side) => side switch
    {
        SignalKeyRow s => Fault(s.RunId, s.Key, s.Topic),
        EventRow e => Fault(e.RunId, e.Name, e.StepKey, e.Value.Codec),
        ApprovalRow a => Fault(a.Id, a.RunId, a.Workflow, a.StepKey, a.Question, a.Arguments?.Codec, a.Deciders),
        ApprovalClosedRow c => Fault(c.Id, c.Decision, c.By, c.Comment, c.EditedArguments?.Codec),
        _ => new ArgumentException($"There is no table for {side.GetType().Name}."),
    };

    private static ArgumentException? Fault(params ReadOnlySpan<string?> texts)
    {
        foreach (var text in texts)
        {
            if (text is null)
                continue;
            if (text.Contains('\0'))
                return new ArgumentException("A text has a NUL, which Postgres can't store.");
            if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
                continue;
            try
            {
                _ = _strict.GetByteCount(text);
            }
            catch (EncoderFallbackException e)
            {
                return e;
            }
        }

        return null;
    }

    private static ArgumentException? Fault(byte[]? utf8)
    {
        if (utf8 is null)
            return null;
        return !System.Text.Unicode.Utf8.IsValid(utf8) ? new ArgumentException("A text is not UTF-8.")
            : utf8.AsSpan().Contains((byte)0) ? new ArgumentException("A text has a NUL, which Postgres can't store.")
            : null;
    }
}
