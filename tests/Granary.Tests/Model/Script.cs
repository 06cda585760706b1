using CsCheck;

namespace Granary.Tests.Model;

/// <summary>What a run's code does next.</summary>
internal enum Op
{
    /// <summary>A step.</summary>
    Step,

    /// <summary>A sleep that is too short to park.</summary>
    Nap,

    /// <summary>A sleep that parks.</summary>
    Sleep,

    /// <summary>Takes a signal from the mailbox, or parks until there is one.</summary>
    Signal,

    /// <summary>Starts a child and waits for its result.</summary>
    Child,
}

/// <summary>The code of a run: what each of its generations does; at the end of one but the last it continues as new.</summary>
internal sealed record Script(Op[][] Generations)
{
    public static Gen<Script> Gen { get; } = CsCheck.Gen.Frequency(
        (2, CsCheck.Gen.Const(Op.Step)), (1, CsCheck.Gen.Const(Op.Nap)), (2, CsCheck.Gen.Const(Op.Sleep)), (3, CsCheck.Gen.Const(Op.Signal)), (2, CsCheck.Gen.Const(Op.Child)))
        .Array[0, 3].Array[1, 2].Select(generations => new Script(generations));

    /// <summary>What every child does.</summary>
    public static Script OfChild { get; } = new([[Op.Step]]);

    public override string ToString() => string.Join(" | ", Generations.Select(g => string.Join(' ', g)));
}

/// <summary>A seed's case: two runs, and what happens to them.</summary>
internal sealed record Case(Script[] Scripts, Act[] Acts)
{
    public static Gen<Case> Gen { get; } = CsCheck.Gen.Select(Script.Gen.Array[2], Act.Gen.Array[20, 120], (scripts, acts) => new Case(scripts, acts));

    public static string IdOf(int run) => run == 0 ? "r0" : "r1";

    public Script ScriptOf(string id) => id.Contains('/', StringComparison.Ordinal) ? Script.OfChild : Scripts[id[1] - '0'];
}
