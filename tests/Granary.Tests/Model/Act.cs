using CsCheck;

namespace Granary.Tests.Model;

/// <summary>What may happen next. One that isn't possible just then does nothing, so any sequence can be shortened.</summary>
internal enum Move
{
    // Clients.
    Start,
    Signal,
    Cancel,
    Resume,
    Read,
    AskAgain,

    // A silo: all at once, or a step at a time.
    Go,
    Code,
    Write,
    Answer,
    LoseAnswer,
    Release,
    LoseActivation,
    Watch,
    LatePut,

    // Keepers and time.
    Wake,
    Sweep,
    Deliver,
    Pass,
    Purge,

    // What goes wrong.
    Crash,
    Pause,
    Continue,
    DeclareDead,
}

/// <summary>A move, and what decides whom it concerns and what it meets.</summary>
internal readonly record struct Act(Move Move, int Who, int Luck)
{
    private static readonly Gen<Move> _moves = CsCheck.Gen.Frequency(
        (4, Move.Start), (8, Move.Signal), (3, Move.Cancel), (3, Move.Resume), (4, Move.Read), (5, Move.AskAgain),
        (12, Move.Go), (20, Move.Code), (14, Move.Write), (14, Move.Answer), (2, Move.LoseAnswer), (1, Move.Release), (3, Move.LoseActivation), (3, Move.Watch), (2, Move.LatePut),
        (4, Move.Wake), (4, Move.Sweep), (5, Move.Deliver), (4, Move.Pass), (2, Move.Purge),
        (3, Move.Crash), (4, Move.Pause), (3, Move.Continue), (2, Move.DeclareDead));

    public static Gen<Act> Gen { get; } = CsCheck.Gen.Select(_moves, CsCheck.Gen.Int[0, 7], CsCheck.Gen.Int[0, 31], (move, who, luck) => new Act(move, who, luck));

    /// <summary>One of some.</summary>
    public T? OneOf<T>(IReadOnlyList<T> some)
        where T : class => some.Count == 0 ? null : some[Who % some.Count];

    /// <summary>Whether a message gets lost on its way.</summary>
    public bool IsLost => (Luck & 3) == 3;

    /// <summary>Whether the answer gets lost on its way back.</summary>
    public bool LosesReply => (Luck & 12) == 12;

    /// <summary>Whether it is sent by the view of the members that another silo has: a second activation of the run comes to be.</summary>
    public bool GoesAstray => (Luck & 16) != 0 && (Luck & 1) != 0;

    public override string ToString() => $"{Move} {Who} {Luck}";
}
