import type {
  AgentProfile,
  AgentProfileAnswer,
  AskAnswer,
  BlocksPage,
  CreateSessionAnswer,
  CreateSessionBody,
  CreateTokenAnswer,
  CreateTokenBody,
  FileEntry,
  ForkSessionAnswer,
  ForkSessionBody,
  ListFilesAnswer,
  ListProfilesAnswer,
  ListSessionsAnswer,
  NetworkAnswer,
  ResolvedAsk,
  RewindSessionAnswer,
  SandboxAnswer,
  SendMessageAnswer,
  SessionListQuery,
  UpdateOptionsBody,
  SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { Endpoint, type AgentClientOptions } from "./endpoint.ts";
import type { LiveEvent } from "./follow/frame.ts";
import { readEvents, type ReadEventsOptions } from "./read/read-events.ts";
import { filePath } from "./file-path.ts";
import { messageBody, type SendMessageOptions } from "./message-form.ts";
import { Follower, type FollowHandlers, type Following, type FollowOptions } from "./follow/follower.ts";
import { watchList, type WatchHandlers, type Watching, type WatchOptions } from "./follow/list-watcher.ts";

export type { SendMessageOptions } from "./message-form.ts";

/** Which sessions, in which order; each of the filters narrows. */
export interface ListSessionsOptions extends Readonly<NonNullable<SessionListQuery["filter"]>> {
  /** Sessions of a page, 1–500; 50. */
  readonly limit?: number;
  readonly cursor?: string;
  readonly order?: SessionListQuery["order"];
}

/** Files as they were after that event of the log, or as they were at the session's `start`; without it as they are. */
export interface FilesAt {
  readonly seq?: number | "start";
}

/** Everything that a server offers, typed. Every method rejects with `ClientError`. */
export interface AgentClient {
  createSession(body: CreateSessionBody): Promise<CreateSessionAnswer>;
  /** A page, the latest first. `nextCursor` of it is the `cursor` of the next one, with the same order and filters. */
  listSessions(page?: ListSessionsOptions): Promise<ListSessionsAnswer>;
  /** The state; with `blocks` only so many of the last ones, which is no state to go on from. */
  getSession(sessionId: string, options?: { blocks?: number }): Promise<SessionState>;
  /** Resolves when the message is kept. With a `messageId` it can be sent again without harm. `mode`: what it does to a turn that runs. */
  sendMessage(sessionId: string, content: string, options?: SendMessageOptions): Promise<SendMessageAnswer>;
  /** The bytes of what a message came with. */
  readAttachment(sessionId: string, messageId: string, name: string): Promise<Uint8Array>;
  updateMessage(sessionId: string, messageId: string, content: string): Promise<void>;
  withdrawMessage(sessionId: string, messageId: string): Promise<void>;
  /** Answers what the agent asks (`state.asks`); once, and the same answer again does no harm. */
  answerAsk(sessionId: string, askId: string, answer: AskAnswer): Promise<ResolvedAsk>;
  interrupt(sessionId: string): Promise<void>;
  /** Stops one subagent, and its caller goes on; that it stopped comes as an event. */
  stopSubagent(sessionId: string, subagentId: string): Promise<void>;
  sync(sessionId: string): Promise<void>;
  unload(sessionId: string): Promise<void>;
  deleteSession(sessionId: string): Promise<void>;
  /** A new session that goes on from the end of a turn; of the last one where none is named. */
  forkSession(sessionId: string, body?: ForkSessionBody): Promise<ForkSessionAnswer>;
  /** Goes back to the end of a turn, or to `start`; the next message goes on from there. */
  rewindSession(sessionId: string, turnId: string): Promise<RewindSessionAnswer>;
  updateOptions(sessionId: string, options: UpdateOptionsBody): Promise<void>;
  getBlocks(sessionId: string, page?: { conversation?: string; before?: string; limit?: number }): Promise<BlocksPage>;
  /**
   * The events of the log after `after`, in order, in batches as they arrive, up to what the log has when reading begins.
   * Goes on after a cut; leave off with `break`.
   */
  readEvents(sessionId: string, options?: ReadEventsOptions): AsyncIterable<readonly LiveEvent[]>;
  listFiles(sessionId: string, at?: FilesAt): Promise<ListFilesAnswer>;
  readFile(sessionId: string, path: string, at?: FilesAt): Promise<Uint8Array>;
  /** Writes a file into the workspace, whole; resolves when that is in the log, and an agent at work can read it. */
  putFile(sessionId: string, path: string, bytes: Blob | Uint8Array<ArrayBuffer>): Promise<FileEntry>;
  /** Removes a file, a symlink or an empty folder. */
  deleteFile(sessionId: string, path: string): Promise<void>;
  /** The whole workspace as a zip, as last synced; it streams, and breaks where the server finds bytes damaged. */
  readArchive(sessionId: string): Promise<ReadableStream<Uint8Array>>;
  /** The whole session as an archive that another store takes in: gzipped lines of JSON, as they stream. */
  exportSession(sessionId: string): Promise<ReadableStream<Uint8Array>>;
  /** What the session's sandboxes may reach beside the model, and what they reached or were refused. */
  getNetwork(sessionId: string): Promise<NetworkAnswer>;
  /** How the session's sandbox is, those that it had, and the last lines of its runner's log. */
  getSandbox(sessionId: string): Promise<SandboxAnswer>;
  listProfiles(): Promise<ListProfilesAnswer>;
  /** A profile as it is now, and which version that is. */
  getProfile(profileId: string): Promise<AgentProfileAnswer>;
  createProfile(profile: AgentProfile): Promise<AgentProfileAnswer>;
  /** Sessions keep the content that they began with, until their options are updated with `profileVersion: "latest"`. */
  replaceProfile(profile: AgentProfile): Promise<AgentProfileAnswer>;
  deleteProfile(profileId: string): Promise<void>;
  /** A short-lived bearer with at most the rights of this client's, such as for the page of one session's user. */
  createToken(body?: CreateTokenBody): Promise<CreateTokenAnswer>;
  /** Follows a session until `stop()`; never throws, and comes back after every cut. */
  follow(sessionId: string, handlers?: FollowHandlers, options?: FollowOptions): Following;
  /** Is told of sessions that are made, change in the list, or go, until `stop()`; comes back after every cut. */
  watchSessions(handlers: WatchHandlers, options?: WatchOptions): Watching;
}

export function createAgentClient(options: AgentClientOptions): AgentClient {
  const endpoint = new Endpoint(options);
  const command = async (path: string, call: Parameters<Endpoint["call"]>[1]): Promise<void> => {
    await endpoint.call(path, call);
  };
  const bytes = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await endpoint.call(path)).arrayBuffer());
  const stream = async (path: string): Promise<ReadableStream<Uint8Array>> =>
    (await endpoint.call(path)).body ?? new ReadableStream({ start: (controller) => controller.close() });
  return {
    createSession: (json) => endpoint.json("/sessions/create", { method: "POST", json }),
    listSessions: (page = {}) => endpoint.json(`/sessions${query({ ...page })}`),
    getSession: (id, page = {}) => endpoint.json(`${session(id)}${query(page)}`),
    sendMessage: (id, content, more = {}) =>
      endpoint.json(`${session(id)}/message`, { method: "POST", ...messageBody(content, more) }),
    updateMessage: (id, messageId, content) => command(message(id, messageId), { method: "PATCH", json: { content } }),
    withdrawMessage: (id, messageId) => command(message(id, messageId), { method: "DELETE" }),
    answerAsk: (id, askId, json) =>
      endpoint.json(`${session(id)}/asks/${encodeURIComponent(askId)}/answer`, { method: "POST", json }),
    stopSubagent: (id, subagentId) =>
      command(`${session(id)}/subagents/${encodeURIComponent(subagentId)}/stop`, { method: "POST" }),
    interrupt: (id) => command(`${session(id)}/interrupt`, { method: "POST" }),
    sync: (id) => command(`${session(id)}/sync`, { method: "POST" }),
    unload: (id) => command(`${session(id)}/unload`, { method: "POST" }),
    deleteSession: (id) => command(session(id), { method: "DELETE" }),
    forkSession: (id, json = {}) => endpoint.json(`${session(id)}/fork`, { method: "POST", json }),
    rewindSession: (id, turnId) => endpoint.json(`${session(id)}/rewind`, { method: "POST", json: { turnId } }),
    updateOptions: (id, json) => command(`${session(id)}/options`, { method: "PATCH", json }),
    getBlocks: (id, page = {}) => endpoint.json(`${session(id)}/blocks${query(page)}`),
    readEvents: (id, readOptions = {}) => readEvents(endpoint, id, readOptions),
    listFiles: (id, at = {}) => endpoint.json(`${session(id)}/files${query({ ...at })}`),
    readFile: async (id, path, at = {}) => bytes(`${session(id)}/files/${filePath(path)}${query({ ...at })}`),
    putFile: async (id, path, given) =>
      endpoint.json(`${session(id)}/files/${filePath(path)}`, { method: "PUT", bytes: given }),
    deleteFile: async (id, path) => command(`${session(id)}/files/${filePath(path)}`, { method: "DELETE" }),
    readAttachment: (id, messageId, name) => bytes(`${message(id, messageId)}/attachments/${encodeURIComponent(name)}`),
    readArchive: (id) => stream(`${session(id)}/archive`),
    exportSession: (id) => stream(`${session(id)}/export`),
    getSandbox: (id) => endpoint.json(`${session(id)}/sandbox`),
    getNetwork: (id) => endpoint.json(`${session(id)}/network`),
    listProfiles: () => endpoint.json("/agent-profiles"),
    getProfile: (id) => endpoint.json(profilePath(id)),
    createProfile: (json) => endpoint.json("/agent-profiles", { method: "POST", json }),
    replaceProfile: (json) => endpoint.json(profilePath(json.id), { method: "PUT", json }),
    deleteProfile: (id) => command(profilePath(id), { method: "DELETE" }),
    createToken: (json = {}) => endpoint.json("/tokens", { method: "POST", json }),
    follow(id, handlers = {}, followOptions = {}) {
      const follower = new Follower({ endpoint, sessionId: id, handlers, options: followOptions });
      void follower.run();
      return follower;
    },
    watchSessions: (handlers, watchOptions = {}) => watchList(endpoint, handlers, watchOptions),
  };
}

function profilePath(id: string): string {
  return `/agent-profiles/${encodeURIComponent(id)}`;
}

function session(id: string): string {
  return `/sessions/${encodeURIComponent(id)}`;
}

function message(id: string, messageId: string): string {
  return `${session(id)}/messages/${encodeURIComponent(messageId)}`;
}

function query(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}
