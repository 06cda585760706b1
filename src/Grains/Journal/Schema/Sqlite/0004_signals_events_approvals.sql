-- What is looked up without a run's journal. Written in the transaction that appends the rows which tell of it.

-- Kept as long as the run's id exists, so that a sender who asks again is answered.
create table granary_signals (
  run_id text not null,
  key text not null,
  run_key integer not null,
  seq integer not null,
  topic text not null,
  accepted_at integer not null,
  primary key (run_id, key)
) strict, without rowid;

create table granary_events (
  run_id text not null,
  name text not null,
  run_key integer not null,
  seq integer not null,
  step_key text not null,
  value_codec text not null,
  value blob not null,
  set_at integer not null,
  primary key (run_id, name, run_key, seq)
) strict;

create table granary_approvals (
  id text not null primary key,
  run_id text not null,
  run_key integer not null,
  workflow text not null,
  step_key text not null,
  question text not null,
  arguments_codec text,
  arguments blob,
  arguments_hash blob,
  deciders text,
  allows_edits integer not null,
  asked_at integer not null,
  expires_at integer,
  decision text,
  decided_by text,
  comment text,
  edited_codec text,
  edited blob,
  decided_at integer
) strict;

-- The open ones, the oldest first.
create index granary_approvals_open on granary_approvals (asked_at, id) where decision is null;

create index granary_approvals_run on granary_approvals (run_id);

-- As before, and waits count as timers do.
drop view granary_steps_v;

create view granary_steps_v as
select t.run_id, t.run_key, t.seq, t.step, t.step_key,
  t.run_key || '/' || t.step_key as idempotency_key,
  t.kind, j.name, t.attempt, t.outcome, j.epoch,
  coalesce(
    (select s.name from granary_journal s where s.run_key = t.run_key and s.seq = 1 and s.kind = 'Started' and s.epoch = j.epoch),
    (select c.name from granary_journal c where c.run_key = t.run_key and c.epoch = j.epoch and c.kind = 'Claimed')) as silo,
  strftime('%Y-%m-%dT%H:%M:%S', coalesce(j.started_at, j.committed_at) / 1000000, 'unixepoch')
    || printf('.%06dZ', coalesce(j.started_at, j.committed_at) % 1000000) as started_at,
  case when t.ended then strftime('%Y-%m-%dT%H:%M:%S', j.committed_at / 1000000, 'unixepoch')
    || printf('.%06dZ', j.committed_at % 1000000) end as ended_at,
  case when j.input_codec = 'json' then cast(j.input as text) end as input,
  case when j.output_codec = 'json' then cast(j.output as text) end as output
from (
  select *, dense_rank() over (partition by run_key, run_id order by step_key) as step
  from (
    select *,
      max(case when ended then attempt end) over (partition by run_key, run_id, step_key) as ended_attempt,
      max(case when not ended then seq end) over (partition by run_key, run_id, step_key) as last_begun
    from (
      select j.run_key, r.id as run_id, j.seq, j.step_key, j.attempt,
        coalesce(j.step_kind, case when j.kind = 'TimerStarted' then 'timer' end) as kind,
        case j.kind when 'StepSucceeded' then 'succeeded' when 'StepFailed' then 'failed' when 'StepRetried' then 'retried' else 'running' end as outcome,
        j.kind in ('StepSucceeded', 'StepFailed', 'StepRetried') as ended
      from granary_journal j
      join granary_runs r on r.key = j.run_key
      where j.kind in ('StepSucceeded', 'StepFailed', 'StepRetried', 'StepRunning', 'TimerStarted', 'WaitStarted')))) t
join granary_journal j on j.run_key = t.run_key and j.seq = t.seq
where t.ended or (t.seq = t.last_begun and t.attempt > coalesce(t.ended_attempt, -1));
