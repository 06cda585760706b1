create view journal_v as
select r.id as run_id, j.run_key, j.seq, j.epoch, j.kind, j.step_key, j.committed_at
from journal j
join runs r on r.key = j.run_key;

-- The code is read by its pattern: before version 16 no function tells whether a text is JSON, and one that isn't must
-- not break the view. Inside a JSON string a quote has a backslash before it, so only a property can match.
create view runs_v as
select id, workflow, version, status, waiting_on, owner, parent, forked_from, queue, priority, wake_at, deadline,
  recovery_attempts, created_at, started_at, completed_at,
  substring(error from '^\s*\{.*?"code"\s*:\s*"([^"\\]*)"') as error_code,
  case when input_codec = 'json' then convert_from(input, 'UTF8') end as input,
  case when output_codec = 'json' then convert_from(output, 'UTF8') end as output
from runs;

-- One row an attempt. A row that says "it runs" counts while nothing says how that attempt ended, and the newest stands
-- for all: a body that was cut off and runs again keeps its attempt. Attempts of a step follow each other, so the highest
-- one that ended tells which. The ranking reads no payloads, and each partition names the run by key and by id, so that a
-- condition on either reaches the table.
create view steps_v as
select t.run_id, t.run_key, t.seq, t.step, t.step_key,
  t.run_key || '/' || t.step_key as idempotency_key,
  coalesce(j.step_kind, case when j.kind = 'TimerStarted' then 'timer' end) as kind,
  j.name, t.attempt,
  case j.kind when 'StepSucceeded' then 'succeeded' when 'StepFailed' then 'failed' when 'StepRetried' then 'retried' else 'running' end as outcome,
  j.epoch,
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
        j.kind in ('StepSucceeded', 'StepFailed', 'StepRetried') as ended
      from journal j
      join runs r on r.key = j.run_key
      where j.kind in ('StepSucceeded', 'StepFailed', 'StepRetried', 'StepRunning', 'TimerStarted')) as facts) as marked) as t
join journal j on j.run_key = t.run_key and j.seq = t.seq
where t.ended or (t.seq = t.last_begun and t.attempt > coalesce(t.ended_attempt, -1));
