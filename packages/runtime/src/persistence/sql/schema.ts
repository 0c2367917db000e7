import type { Generated, Insertable, Kysely } from "kysely";

/** Which session a row belongs to. */
interface OfSession {
  tenant: string;
  session_id: string;
}

/** A session's record. Texts that people choose are JSON texts. Changes with messages, turns and files. */
interface SessionsTable extends OfSession {
  type: string;
  profile: string;
  name: string | null;
  created_at: string;
  last_activity: string | null;
  /** Milliseconds: the last activity or else the creation, for lists. */
  sort_at: number;
  /** Milliseconds of the creation. */
  created_ms: number;
  session_options: string | null;
  metadata: string | null;
  /** What lists show beside the record (`overviewJson`): the runtime state as of the last status event, and more. */
  runtime: string;
  /** 1 where that says `isLoaded`. */
  loaded: number;
}

/** Where a session's log stands. Apart from the record because it changes with every append, and stays small. */
interface LogsTable extends OfSession {
  log_id: string;
  last_seq: number;
  /** Up to where there is nothing more to drop. */
  compacted_to: Generated<number>;
  cursor_generation: number | null;
  cursor_n: number | null;
  native_session_id: string | null;
  generation: number;
  /** Who runs the session; it may be dead. */
  node_id: string | null;
  fence: Generated<number>;
}

export interface EventsTable extends OfSession {
  seq: number;
  /** The first number that the event stands for, where those before its own were dropped. */
  from_seq: number | null;
  /** Version of the protocol that the event was written with. */
  version: number;
  at: string;
  type: string;
  data: string;
}

interface SnapshotsTable extends OfSession {
  version: number;
  state: string;
}

interface SandboxesTable extends OfSession {
  sandbox: string;
}

interface BlocksTable extends OfSession {
  block_id: string;
  conversation_id: string;
  position: number;
  /** null: taken back; the row stays as a cursor. */
  block: string | null;
}

interface FilesTable extends OfSession {
  path_key: string;
  entry: string;
}

interface BlobsTable extends OfSession {
  sha256: string;
  start: number;
  length: number;
  /** Of the whole blob. */
  total: number;
  bytes: Uint8Array;
}

interface FileVersionsTable extends OfSession {
  path_key: string;
  /** From which seq on the path was so. */
  seq: number;
  /** null: deleted. */
  entry: string | null;
}

interface CheckpointsTable extends OfSession {
  seq: number;
  turn_id: string;
}

interface TranscriptsTable extends OfSession {
  n: number;
  entry: string;
}

interface MessagesTable extends OfSession {
  message_id: string;
  idempotency_key: string | null;
  content_hash: string;
  position: number | null;
}

interface RawTranscriptsTable extends OfSession {
  /** The log's last seq when it was saved. */
  seq: number;
  text: string;
}

interface NodesTable {
  node_id: string;
  place: string;
  sandboxes: number;
  waiting: number;
  max_sandboxes: number;
  /** 1: it takes nothing more. */
  leaving: number;
  /** Milliseconds by the database's clock. */
  lives_until: number;
}

interface CommandsTable extends OfSession {
  id: string;
  from_node: string;
  method: string;
  body: string;
  valid_ms: number | null;
  /** Milliseconds by the database's clock; null: for ever. */
  valid_until: number | null;
}

/** Not a session's: who asked for its deletion is answered after it. */
interface AnswersTable {
  id: string;
  answer: string;
  valid_until: number;
}

/** Of the whole deployment. */
interface AgentProfilesTable {
  id: string;
  profile: string;
}

export interface Tables {
  agent_profiles: AgentProfilesTable;
  nodes: NodesTable;
  commands: CommandsTable;
  answers: AnswersTable;
  removals: OfSession;
  sessions: SessionsTable;
  logs: LogsTable;
  events: EventsTable;
  snapshots: SnapshotsTable;
  sandboxes: SandboxesTable;
  blocks: BlocksTable;
  files: FilesTable;
  blobs: BlobsTable;
  file_versions: FileVersionsTable;
  checkpoints: CheckpointsTable;
  transcripts: TranscriptsTable;
  messages: MessagesTable;
  raw_transcripts: RawTranscriptsTable;
}

export type Db = Kysely<Tables>;
export type Row<T extends keyof Tables> = Insertable<Tables[T]>;

/** Every table that has rows of a session, in the order in which they are removed; the log's row first, as appends lock it. */
export const SESSION_TABLES = [
  "logs",
  "sessions",
  "events",
  "snapshots",
  "sandboxes",
  "blocks",
  "files",
  "blobs",
  "file_versions",
  "checkpoints",
  "transcripts",
  "messages",
  "raw_transcripts",
  "commands",
] as const satisfies readonly (keyof Tables)[];
