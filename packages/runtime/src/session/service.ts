import type {
  AskAnswer,
  Attachment,
  BlocksPage,
  CreateSessionAnswer,
  CreateSessionBody,
  FileEntry,
  ListFilesAnswer,
  ListProfilesAnswer,
  ListSessionsAnswer,
  NetworkAnswer,
  ResolvedAsk,
  ResyncReason,
  RewindSessionAnswer,
  RewindSessionBody,
  SandboxAnswer,
  SendMessageAnswer,
  SessionListQuery,
  SessionState,
  UpdateOptionsBody,
} from "@hhopkins/agent-runtime-protocol";
import type { Principal } from "../auth/principal.ts";
import type { LogFrame } from "../log/frame.ts";
import type { SessionListChange } from "../log/list-watch.ts";
import type { FilesPlace } from "../persistence/files-as-of.ts";
import type { FilePut } from "./session-files.ts";
import type { SentMessage } from "./sent-message.ts";
import type { Notice } from "../log/notices.ts";

/** Where a follower stands and what comes next. */
export interface Follow {
  readonly logId: string;
  /** The log's tail when the follow began. */
  readonly lastSeq: number;
  /** The cursor cannot be served: nothing follows but the news of it. */
  readonly resync?: ResyncReason;
  /**
   * Batches of frames, in order, without hole or double, from `after` + 1 on: history first, then live, until
   * `signal` fires or the session is deleted. Pulling is the back-pressure: who does not pull is buffered up to a
   * bound and then served from the store. With `tail: true` it ends at the log's tail.
   */
  readonly batches: AsyncIterable<readonly LogFrame[]>;
  /** Tells what the log cannot, now and later, until the returned function is called. */
  readonly onNotice?: (listener: (notice: Notice) => void) => () => void;
}

export interface FollowOptions {
  readonly after: number;
  readonly logId?: string;
  readonly signal: AbortSignal;
  readonly tail?: boolean;
  /** Only what belongs to this conversation: `"main"` or a subagent's id. */
  readonly conversation?: string;
}

export interface Readiness {
  readonly ready: boolean;
  /** One line a part: `ok`, or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

/**
 * What the transports need of the sessions; every call is made for a principal and scoped to its tenant. Errors are
 * `RuntimeError`s whose code the transport turns into an answer.
 */
export interface SessionService {
  create(principal: Principal, body: CreateSessionBody): Promise<CreateSessionAnswer>;
  list(principal: Principal, query: Omit<SessionListQuery, "tenant">): Promise<ListSessionsAnswer>;
  /** The committed state. Does not load the session. */
  state(principal: Principal, sessionId: string): Promise<SessionState>;
  /** Resolves when the message is in the log, or kept for the node that runs the session. Loads the session where it is not. */
  send(principal: Principal, sessionId: string, message: SentMessage): Promise<SendMessageAnswer>;
  /** What a message came with, by its name in it; `file_not_found` otherwise. */
  attachment(
    principal: Principal,
    sessionId: string,
    at: { messageId: string; name: string },
  ): Promise<{ attachment: Attachment; bytes: AsyncIterable<Uint8Array> }>;
  updateMessage(
    principal: Principal,
    sessionId: string,
    message: { messageId: string; content: string },
  ): Promise<void>;
  withdrawMessage(principal: Principal, sessionId: string, messageId: string): Promise<void>;
  /** Answers an ask as the principal; resolves when that is in the log. The same again is answered as the first time. */
  answer(principal: Principal, sessionId: string, given: { askId: string; answer: AskAnswer }): Promise<ResolvedAsk>;
  /** Asks the running turn to stop; does nothing where none runs. */
  interrupt(principal: Principal, sessionId: string): Promise<void>;
  /** Stops one subagent, and its caller goes on; does nothing where it has ended. */
  stopSubagent(principal: Principal, sessionId: string, subagentId: string): Promise<void>;
  updateOptions(principal: Principal, sessionId: string, options: UpdateOptionsBody): Promise<void>;
  /** Goes back to the end of a turn, or to its `start`. */
  rewind(principal: Principal, sessionId: string, body: RewindSessionBody): Promise<RewindSessionAnswer>;
  sync(principal: Principal, sessionId: string): Promise<void>;
  unload(principal: Principal, sessionId: string): Promise<void>;
  delete(principal: Principal, sessionId: string): Promise<void>;
  blocks(
    principal: Principal,
    sessionId: string,
    page: { conversationId: string; before?: string; limit: number },
  ): Promise<BlocksPage>;
  /** Its files, as last synced; with `seq` as they were after that event of the log, or at the `start`. */
  files(principal: Principal, sessionId: string, at?: { seq?: FilesPlace | undefined }): Promise<ListFilesAnswer>;
  /** One file with its bytes, as `files`; `file_not_found` otherwise, `file_not_kept` where its bytes of then are not there. */
  file(
    principal: Principal,
    sessionId: string,
    at: { path: string; seq?: FilesPlace | undefined },
  ): Promise<{ entry: FileEntry; bytes: AsyncIterable<Uint8Array> }>;
  /** Writes a file into the workspace; resolves when that is in the log. */
  putFile(principal: Principal, sessionId: string, file: { path: string; bytes: Uint8Array }): Promise<FilePut>;
  /** Removes one; resolves when that is in the log. */
  deleteFile(principal: Principal, sessionId: string, path: string): Promise<void>;
  /** The workspace as a zip, as last synced, made while it is read. Rejects at once where there is no such session. */
  archive(principal: Principal, sessionId: string): Promise<AsyncIterable<Uint8Array>>;
  /** What its sandboxes may reach, and what they did reach or were refused. */
  network(principal: Principal, sessionId: string): Promise<NetworkAnswer>;
  /** How its sandbox is, those that it had, and what the runner in it wrote. */
  sandbox(principal: Principal, sessionId: string): Promise<SandboxAnswer>;
  follow(principal: Principal, sessionId: string, options: FollowOptions): Promise<Follow>;
  /** List updates of the principal's tenant, best effort. Returns how to stop. */
  watch(principal: Principal, listener: (change: SessionListChange) => void): () => void;
  profiles(principal: Principal): Promise<ListProfilesAnswer>;
  readiness(): Promise<Readiness>;
}
