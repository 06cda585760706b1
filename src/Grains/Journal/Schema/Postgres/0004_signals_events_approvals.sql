-- What is looked up without a run's journal. Written in the transaction that appends the rows which tell of it.

-- Kept as long as the run's id exists, so that a sender who asks again is answered.
create table signals (
  run_id text collate "C" not null,
  key text collate "C" not null,
  run_key bigint not null,
  seq bigint not null,
  topic text not null,
  accepted_at timestamptz not null,
  constraint signals_pkey primary key (run_id, key)
);

create table events (
  run_id text collate "C" not null,
  name text collate "C" not null,
  run_key bigint not null,
  seq bigint not null,
  step_key text collate "C" not null,
  value_codec text not null,
  value bytea not null,
  set_at timestamptz not null,
  constraint events_pkey primary key (run_id, name, run_key, seq)
);

create table approvals (
  id text collate "C" not null,
  run_id text collate "C" not null,
  run_key bigint not null,
  workflow text not null,
  step_key text collate "C" not null,
  question text not null,
  arguments_codec text,
  arguments bytea,
  arguments_hash bytea,
  deciders text,
  allows_edits boolean not null,
  asked_at timestamptz not null,
  expires_at timestamptz,
  decision text,
  decided_by text,
  comment text,
  edited_codec text,
  edited bytea,
  decided_at timestamptz,
  constraint approvals_pkey primary key (id)
);

-- The open ones, the oldest first.
create index approvals_open on approvals (asked_at, id) where decision is null;

create index approvals_run on approvals (run_id);

-- As before, and waits count as timers do. Replaced, not dropped: what others were granted on it, or built on it, stays.
create or replace view steps_v as
select t.run_id, t.run_key, t.seq, t.step, t.step_key,
  t.run_key || '/' || t.step_key as idempotency_key,
  t.kind, j.name, t.attempt, t.outcome, j.epoch,
  coalesce(
    (select s.name from journal s where s.run_key = t.run_key and s.seq = 1 and s.kind = 'Started' and s.epoch = j.epoch),
    (select c.name from journal c where c.run_key = t.run_key and c.epoch = j.epoch and c.kind = 'Claimed')) as silo,
  coalesce(j.started_at, j.committed_at) as started_at,
  case when t.ended then j.committed_at end as ended_at,
  case when j.input_codec = 'json' then convert_from(j.input, 'UTF8') end as input,
  case when j.output_codec = 'json' then convert_from(j.output, 'UTF8') end as output
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
      from journal j
      join runs r on r.key = j.run_key
      where j.kind in ('StepSucceeded', 'StepFailed', 'StepRetried', 'StepRunning', 'TimerStarted', 'WaitStarted')) as facts) as marked) as t
join journal j on j.run_key = t.run_key and j.seq = t.seq
where t.ended or (t.seq = t.last_begun and t.attempt > coalesce(t.ended_attempt, -1));
