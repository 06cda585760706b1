create view granary_journal_v as
select r.id as run_id, j.run_key, j.seq, j.epoch, j.kind, j.step_key,
  strftime('%Y-%m-%dT%H:%M:%S', j.committed_at / 1000000, 'unixepoch') || printf('.%06dZ', j.committed_at % 1000000) as committed_at
from granary_journal j
join granary_runs r on r.key = j.run_key;

create view granary_runs_v as
select id, workflow, version, status, waiting_on, owner, parent, forked_from, queue, priority,
  strftime('%Y-%m-%dT%H:%M:%S', wake_at / 1000000, 'unixepoch') || printf('.%06dZ', wake_at % 1000000) as wake_at,
  strftime('%Y-%m-%dT%H:%M:%S', deadline / 1000000, 'unixepoch') || printf('.%06dZ', deadline % 1000000) as deadline,
  recovery_attempts,
  strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06dZ', created_at % 1000000) as created_at,
  strftime('%Y-%m-%dT%H:%M:%S', started_at / 1000000, 'unixepoch') || printf('.%06dZ', started_at % 1000000) as started_at,
  strftime('%Y-%m-%dT%H:%M:%S', completed_at / 1000000, 'unixepoch') || printf('.%06dZ', completed_at % 1000000) as completed_at,
  case when json_valid(error) then json_extract(error, '$.code') end as error_code,
  case when input_codec = 'json' then cast(input as text) end as input,
  case when output_codec = 'json' then cast(output as text) end as output
from granary_runs;

-- One row an attempt. A row that says "it runs" counts while nothing says how that attempt ended, and the newest stands
-- for all: a body that was cut off and runs again keeps its attempt. Attempts of a step follow each other, so the highest
-- one that ended tells which. The ranking reads no payloads, and each partition names the run by key and by id, so that a
-- condition on either reaches the table.
create view granary_steps_v as
select t.run_id, t.run_key, t.seq, t.step, t.step_key,
  t.run_key || '/' || t.step_key as idempotency_key,
  coalesce(j.step_kind, case when j.kind = 'TimerStarted' then 'timer' end) as kind,
  j.name, t.attempt,
  case j.kind when 'StepSucceeded' then 'succeeded' when 'StepFailed' then 'failed' when 'StepRetried' then 'retried' else 'running' end as outcome,
  j.epoch,
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
        j.kind in ('StepSucceeded', 'StepFailed', 'StepRetried') as ended
      from granary_journal j
      join granary_runs r on r.key = j.run_key
      where j.kind in ('StepSucceeded', 'StepFailed', 'StepRetried', 'StepRunning', 'TimerStarted')))) t
join granary_journal j on j.run_key = t.run_key and j.seq = t.seq
where t.ended or (t.seq = t.last_begun and t.attempt > coalesce(t.ended_attempt, -1));
