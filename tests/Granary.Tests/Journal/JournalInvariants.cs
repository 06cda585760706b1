namespace Granary.Tests.Journal;

/// <summary>The invariants as <c>docs/journal.md</c> has them. Each statement finds what breaks it.</summary>
internal static class JournalInvariants
{
    public static IReadOnlyList<(string Name, string Sql)> All { get; } =
    [
        ("DENSE", "select run_key from granary_journal_v group by run_key having min(seq) <> 1 or max(seq) <> count(*)"),
        ("FENCED", """
            select j.run_key, j.seq from granary_journal_v j
            join granary_journal_v c on c.run_key = j.run_key and c.kind = 'Claimed' and j.seq > c.seq and j.epoch < c.epoch
            """),
        ("ONE END", """
            select run_key from granary_journal_v where kind in ('Succeeded', 'Failed', 'Cancelled', 'Poisoned')
            group by run_key, epoch having count(*) > 1
            """),
        ("LEGAL", """
            select id, status, waiting_on, owner, wake_at from granary_runs_v where not case status
              when 'running' then waiting_on is null and wake_at is null
              when 'waiting' then case waiting_on
                when 'timer' then wake_at is not null
                when 'silo' then owner is not null and wake_at is null
                when 'version' then owner is null and wake_at is null
                else waiting_on is not null end
              when 'queued' then owner is null and waiting_on is null and wake_at is null
              when 'delayed' then owner is null and waiting_on is null and wake_at is not null
              else owner is null and waiting_on is null and wake_at is null and completed_at is not null end
            """),
    ];
}
