using Orleans.Concurrency;

namespace Granary.Grains;

/// <summary>A run's only writer, addressed by the run's id. An implementation detail: use <see cref="IGranaryClient"/>.</summary>
[Alias("granary.IWorkflowGrain")]
internal interface IWorkflowGrain : IGrainWithStringKey
{
    /// <summary>Starts the run, or finds it. Answers after the commit.</summary>
    [Alias("Start")]
    Task<StartReply> StartAsync(StartRequest request);

    /// <summary>
    /// Claims a run that nobody executes and goes on with it. Does nothing where that isn't so, or where another owner stands in
    /// its row than the one that the caller has seen there: then somebody else has it.
    /// </summary>
    /// <returns>False when nothing is decided yet: it moves to the silo of the caller's placement hint first. Ask again.</returns>
    [Alias("Recover")]
    Task<bool> RecoverAsync(RecoverReason reason, string? owner);

    /// <summary>Accepts a signal: answers after the commit. One whose key was accepted before is accepted and changes nothing.</summary>
    [Alias("Signal")]
    [AlwaysInterleave]
    Task<CallReply> SignalAsync(SignalMessage signal);

    /// <summary>Accepts that the run be cancelled: answers after the commit of the request, and the run ends soon after.</summary>
    [Alias("Cancel")]
    [AlwaysInterleave]
    Task<CallReply> CancelAsync(string? reason, string? by);

    /// <summary>Lets a run that was cancelled or poisoned go on: answers after the commit.</summary>
    [Alias("Resume")]
    [AlwaysInterleave]
    Task<CallReply> ResumeAsync(TimeSpan? timeout);

    /// <summary>Takes an answer to a question of the run: answers after the commit. The first one stands.</summary>
    [Alias("Decide")]
    [AlwaysInterleave]
    Task<DecisionReply> DecideAsync(DecisionMessage message);

    /// <summary>Reads a query of the run's workflow. Never claims.</summary>
    [Alias("Query")]
    [AlwaysInterleave]
    Task<QueryReply> QueryAsync(string query);

    /// <summary>The first value of that name set after a sequence number, or the newest where that is null; waits for one up to the limit, then answers with none.</summary>
    [Alias("ReadEvent")]
    [AlwaysInterleave]
    Task<EventReply> ReadEventAsync(string name, long? after, TimeSpan limit, CancellationToken cancellationToken);

    /// <summary>The run's end, as soon as it is committed; null when it did not come within the limit, or the run doesn't exist.</summary>
    [Alias("WaitForEnd")]
    [AlwaysInterleave]
    Task<RunEnd?> WaitForEndAsync(TimeSpan limit, CancellationToken cancellationToken);

    /// <summary>The run's row; null when it doesn't exist.</summary>
    [Alias("Info")]
    [AlwaysInterleave]
    Task<RunSnapshot?> InfoAsync();

    /// <summary>Journal rows after a sequence number; waits for one up to the limit, then answers with none.</summary>
    [Alias("ReadJournal")]
    [AlwaysInterleave]
    Task<JournalPage> ReadJournalAsync(long after, TimeSpan limit, CancellationToken cancellationToken);
}
