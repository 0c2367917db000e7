-- Tables of Agent Runtime: sessions, their logs, and everything else that belongs to a session. They are those that its
-- PostgreSQL adapter makes, in a schema that is not exposed: only the functions of the next files reach them.
-- Texts that people choose are JSON texts: PostgreSQL's own text takes neither NUL nor half a character.

create schema agent_runtime;

create table agent_runtime.sessions (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  type text not null,
  profile text not null,
  name text,
  created_at text not null,
  last_activity text,
  sort_at bigint not null,
  session_options text,
  metadata text,
  runtime text not null,
  loaded integer not null,
  created_ms bigint not null default 0,
  constraint sessions_key primary key (tenant, session_id)
);
create index sessions_by_activity on agent_runtime.sessions (tenant, sort_at, session_id);
create index sessions_by_creation on agent_runtime.sessions (tenant, created_ms, session_id);
create index sessions_by_type_and_activity on agent_runtime.sessions (tenant, type, sort_at, session_id);
create index sessions_by_type_and_creation on agent_runtime.sessions (tenant, type, created_ms, session_id);
create index sessions_by_profile_and_activity on agent_runtime.sessions (tenant, profile, sort_at, session_id);
create index sessions_by_profile_and_creation on agent_runtime.sessions (tenant, profile, created_ms, session_id);
create index sessions_by_loaded_and_activity on agent_runtime.sessions (loaded, tenant, sort_at, session_id);
create index sessions_by_loaded_and_creation on agent_runtime.sessions (loaded, tenant, created_ms, session_id);

create table agent_runtime.logs (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  log_id text not null,
  last_seq bigint not null,
  cursor_generation bigint,
  cursor_n bigint,
  native_session_id text,
  generation bigint not null,
  compacted_to bigint not null default 0,
  node_id text collate "C",
  fence bigint not null default 0,
  constraint logs_key primary key (tenant, session_id)
);

create index logs_by_node on agent_runtime.logs (node_id);

create table agent_runtime.events (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  seq bigint not null,
  version integer not null,
  at text not null,
  type text not null,
  data text not null,
  from_seq bigint,
  constraint events_key primary key (tenant, session_id, seq)
);

create table agent_runtime.snapshots (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  version integer not null,
  state text not null,
  constraint snapshots_key primary key (tenant, session_id)
);

create table agent_runtime.sandboxes (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  sandbox text not null,
  constraint sandboxes_key primary key (tenant, session_id)
);

create table agent_runtime.blocks (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  block_id text collate "C" not null,
  conversation_id text collate "C" not null,
  position bigint not null,
  block text,
  constraint blocks_key primary key (tenant, session_id, block_id)
);
create index blocks_by_position on agent_runtime.blocks (tenant, session_id, conversation_id, position);

create table agent_runtime.files (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  path_key text collate "C" not null,
  entry text not null,
  constraint files_key primary key (tenant, session_id, path_key)
);

create table agent_runtime.blobs (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  sha256 text collate "C" not null,
  start bigint not null,
  length bigint not null,
  total bigint not null,
  bytes bytea not null,
  constraint blobs_key primary key (tenant, session_id, sha256, start)
);

create table agent_runtime.file_versions (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  path_key text collate "C" not null,
  seq bigint not null,
  entry text,
  constraint file_versions_key primary key (tenant, session_id, path_key, seq)
);

create table agent_runtime.checkpoints (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  seq bigint not null,
  turn_id text not null,
  constraint checkpoints_key primary key (tenant, session_id, seq)
);

create table agent_runtime.transcripts (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  n bigint not null,
  entry text not null,
  constraint transcripts_key primary key (tenant, session_id, n)
);

create table agent_runtime.messages (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  message_id text collate "C" not null,
  idempotency_key text collate "C",
  content_hash text collate "C" not null,
  position bigint,
  constraint messages_key primary key (tenant, session_id, message_id)
);
create unique index messages_by_idempotency_key on agent_runtime.messages (tenant, session_id, idempotency_key);

create table agent_runtime.raw_transcripts (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  seq bigint not null,
  text text not null,
  constraint raw_transcripts_key primary key (tenant, session_id)
);

create table agent_runtime.removals (
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  constraint removals_key primary key (tenant, session_id)
);

-- The servers that share the tables, what they ask of each other, and the answers.
create table agent_runtime.nodes (
  node_id text collate "C" not null constraint nodes_pkey primary key,
  place text not null,
  sandboxes bigint not null,
  waiting bigint not null,
  max_sandboxes bigint not null,
  leaving integer not null,
  lives_until bigint not null
);

create table agent_runtime.commands (
  id text collate "C" not null constraint commands_pkey primary key,
  tenant text collate "C" not null,
  session_id text collate "C" not null,
  from_node text collate "C" not null,
  method text not null,
  body text not null,
  valid_ms bigint,
  valid_until bigint
);
create index commands_by_session on agent_runtime.commands (tenant, session_id);

create table agent_runtime.answers (
  id text collate "C" not null constraint answers_pkey primary key,
  answer text not null,
  valid_until bigint not null
);
create index answers_by_end on agent_runtime.answers (valid_until);

-- 007-profiles
create table agent_runtime.agent_profiles (
  id text collate "C" not null,
  profile text not null,
  constraint agent_profiles_key primary key (id)
);

-- What the PostgreSQL adapter keeps of its own migrations: so it finds these tables as it would have made them.
create table agent_runtime.agent_runtime_migrations (
  name varchar(255) not null constraint agent_runtime_migrations_pkey primary key,
  timestamp varchar(255) not null
);
create table agent_runtime.agent_runtime_migrations_lock (
  id varchar(255) not null constraint agent_runtime_migrations_lock_pkey primary key,
  is_locked integer not null default 0
);
insert into agent_runtime.agent_runtime_migrations_lock (id, is_locked) values ('migration_lock', 0);
insert into agent_runtime.agent_runtime_migrations (name, timestamp) values
  ('001-sessions', '2026-11-22T00:00:00.001Z'),
  ('002-compaction', '2026-11-22T00:00:00.002Z'),
  ('003-checkpoints', '2026-11-22T00:00:00.003Z'),
  ('004-removals', '2026-11-22T00:00:00.004Z'),
  ('005-cluster', '2026-11-22T00:00:00.005Z'),
  ('006-lists', '2026-11-22T00:00:00.006Z'),
  ('007-profiles', '2026-11-22T00:00:00.007Z');
