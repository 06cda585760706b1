-- Times are microseconds since 1970-01-01 UTC, handed in by the writer: no statement asks the database for the time.
-- The views show them as text. What the first builds don't write yet is nullable, so that later ones needn't copy tables.

create table granary_runs (
  key integer primary key,
  id text not null unique,
  workflow text not null,
  workflow_version integer not null,
  version text not null,
  status text not null,
  waiting_on text,
  owner text,
  wake_at integer,
  recovery_attempts integer not null,
  created_at integer not null,
  started_at integer,
  completed_at integer,
  trace_parent text,
  generation integer,
  parent text,
  forked_from text,
  queue text,
  partition text,
  priority integer,
  deadline integer,
  dedup_key text,
  tenant text,
  attributes text,
  user_name text,
  roles text,
  error text,
  output_codec text,
  output blob,
  input_codec text not null,
  input blob not null
) strict;

-- Runs that somebody executes, in the order of their keys: covers both the search for a dead owner's runs and the
-- question what this process owns. Ended and parked runs aren't in it.
create index granary_runs_owned on granary_runs (key, owner) where owner is not null;

-- Runs that nobody executes and nothing will wake: normally empty.
create index granary_runs_stranded on granary_runs (key)
  where owner is null and wake_at is null and (status = 'running' or waiting_on = 'version');

create index granary_runs_wake on granary_runs (wake_at) where wake_at is not null;

-- Lists by status; within one, entries are in the order of the keys, which is the order of creation.
create index granary_runs_status on granary_runs (status);

-- A rowid table: the key's index stays small while payloads lie in the table in the order of their commits.
create table granary_journal (
  run_key integer not null,
  seq integer not null,
  epoch integer not null,
  append_id integer not null,
  kind text not null,
  step_key text,
  step_kind text,
  name text,
  attempt integer not null,
  due_at integer,
  started_at integer,
  committed_at integer not null,
  fingerprint blob,
  error text,
  input_codec text,
  input blob,
  output_codec text,
  output blob,
  primary key (run_key, seq)
) strict;

-- Who executed an epoch. First epochs aren't in it: they begin in row 1.
create index granary_journal_claims on granary_journal (run_key, epoch) where kind = 'Claimed';

-- The process that may write. A writer whose epoch isn't the one here has lost the file and writes no more.
create table granary_process (
  id integer primary key check (id = 1),
  epoch integer not null,
  incarnation text not null,
  path text not null,
  host text not null,
  pid integer not null,
  started_at integer not null,
  opened_at integer not null,
  closed_at integer
) strict;
