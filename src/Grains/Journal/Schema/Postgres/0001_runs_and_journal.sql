-- Run with the schema first in the search path. Times are handed in by the writer: no statement asks the database for the
-- time. The same tables as on SQLite, without the row of the one process: here many may write, and the chain is the fence.

create table runs (
  key bigint not null,
  id text collate "C" not null,
  workflow text not null,
  workflow_version integer not null,
  version text not null,
  status text not null,
  waiting_on text,
  owner text,
  wake_at timestamptz,
  recovery_attempts integer not null,
  created_at timestamptz not null,
  started_at timestamptz,
  completed_at timestamptz,
  trace_parent text,
  generation integer,
  parent text,
  forked_from text,
  queue text,
  partition text,
  priority integer,
  deadline timestamptz,
  dedup_key text,
  tenant text,
  attributes text,
  user_name text,
  roles text,
  error text,
  output_codec text,
  output bytea,
  input_codec text not null,
  input bytea not null,
  constraint runs_pkey primary key (key),
  constraint runs_id_key unique (id)
);

-- Runs that somebody executes, in the order of their keys. Ended and parked runs aren't in it.
create index runs_owned on runs (key, owner) where owner is not null;

-- Runs that nobody executes and nothing will wake: normally empty.
create index runs_stranded on runs (key)
  where owner is null and wake_at is null and (status = 'running' or waiting_on = 'version');

create index runs_wake on runs (wake_at) where wake_at is not null;

-- Lists by status, in the order of creation.
create index runs_status on runs (status, key);

create table journal (
  run_key bigint not null,
  seq bigint not null,
  epoch integer not null,
  append_id bigint not null,
  kind text not null,
  step_key text collate "C",
  step_kind text,
  name text,
  attempt integer not null,
  due_at timestamptz,
  started_at timestamptz,
  committed_at timestamptz not null,
  fingerprint bytea,
  error text,
  input_codec text,
  input bytea,
  output_codec text,
  output bytea,
  constraint journal_pkey primary key (run_key, seq)
);

-- Who executed an epoch. First epochs aren't in it: they begin in row 1.
create index journal_claims on journal (run_key, epoch) where kind = 'Claimed';
