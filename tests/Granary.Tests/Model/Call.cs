namespace Granary.Tests.Model;

/// <summary>What a run is asked for.</summary>
internal enum CallKind
{
    Start,
    Signal,
    Cancel,
    Resume,
    Read,

    /// <summary>A keeper's or a watch's: take the run up.</summary>
    Recover,

    /// <summary>The delivery of an outbox row.</summary>
    ChildResult,
}

/// <summary>What a client wants of a run, until it has its answer. It may ask several times.</summary>
internal sealed class Wish(CallKind kind, string id, string name)
{
    public CallKind Kind => kind;

    public string Id => id;

    /// <summary>What is counted: however often it is asked, it is to happen once.</summary>
    public string Name => name;

    public int Asked { get; set; }

    /// <summary>Null until the client has an answer; true when its wish was acknowledged.</summary>
    public bool? Answer { get; set; }
}

/// <summary>One grain call.</summary>
internal sealed record Call(CallKind Kind, string Id)
{
    public Wish? Wish { get; init; }

    /// <summary>The idempotency key.</summary>
    public string Key { get; init; } = "";

    /// <summary>The child whose result it brings.</summary>
    public string Child { get; init; } = "";

    public bool LosesReply { get; init; }
}
