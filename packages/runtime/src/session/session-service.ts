import {
  MAIN_CONVERSATION,
  RuntimeError,
  toRuntimeError,
  type BlocksPage,
  type CreateSessionAnswer,
  type SessionListItem,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import type { Principal } from "../auth/principal.ts";
import { conversationFrames } from "../log/conversation-frames.ts";
import { followLog } from "../log/follower.ts";
import type { Notice } from "../log/notices.ts";
import { overviewOf } from "../persistence/session-overview.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { assertGiven } from "./given-path.ts";
import { filesOf, keptFile } from "./kept-file.ts";
import type { Follow, SessionService } from "./service.ts";
import type { SessionManager } from "./session-manager.ts";
import type { SessionParts } from "./session-parts.ts";
import type { SessionRequests } from "./session-requests.ts";
import { storeReadiness } from "./store-readiness.ts";
import type { ListWatch } from "../log/list-watch.ts";
import { runsSubagent } from "./subagent-stop.ts";
import { workspaceArchive } from "./workspace-archive.ts";

export interface SessionServiceOptions {
  readonly watch: ListWatch;
  readonly requests: SessionRequests;
}

/** What the transports do with sessions, each call for a principal and inside its tenant. */
export function createSessionService(
  parts: SessionParts,
  manager: SessionManager,
  { watch, requests }: SessionServiceOptions,
): SessionService {
  const { store } = parts;
  const keyOf = (principal: Principal, sessionId: string): SessionKey => ({ tenant: principal.tenant, sessionId });
  const persistenceCheck = storeReadiness(parts, () => manager.storeFailure());

  return {
    async create(principal, body) {
      const state = await manager.create(principal.tenant, body);
      watch.changed(principal.tenant, { event: "sessions:updated", session: listItem(state) });
      return createAnswer(state);
    },
    async list(principal, query) {
      const page = await store.list({ tenant: principal.tenant, ...query });
      return {
        sessions: [...page.sessions],
        ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
      };
    },
    state: (principal, sessionId) => manager.state(keyOf(principal, sessionId)),
    send: (principal, sessionId, message) => requests.send(keyOf(principal, sessionId), message),
    async attachment(principal, sessionId, { messageId, name }) {
      const key = keyOf(principal, sessionId);
      const queued = (await manager.state(key)).queue.find((message) => message.messageId === messageId);
      const stored = queued === undefined ? await store.block(key, messageId) : null;
      const message = queued ?? (stored?.block.type === "user_message" ? stored.block : undefined);
      const attachment = message?.attachments?.find((one) => one.name === name);
      if (attachment === undefined)
        throw new RuntimeError("file_not_found", `Message ${messageId} came with no file ${name}.`);
      return { attachment, bytes: store.blob(key, attachment.sha256) };
    },
    async updateMessage(principal, sessionId, message) {
      await requests.ask(keyOf(principal, sessionId), "updateMessage", message);
    },
    async withdrawMessage(principal, sessionId, messageId) {
      await requests.ask(keyOf(principal, sessionId), "withdrawMessage", { messageId });
    },
    answer: (principal, sessionId, given) =>
      requests.ask(keyOf(principal, sessionId), "answer", { ...given, by: principal.id }),
    interrupt: (principal, sessionId) => requests.interrupt(keyOf(principal, sessionId)),
    async stopSubagent(principal, sessionId, subagentId) {
      const key = keyOf(principal, sessionId);
      if (runsSubagent(await manager.state(key), subagentId)) await requests.ask(key, "stopSubagent", { subagentId });
    },
    async updateOptions(principal, sessionId, options) {
      await requests.ask(keyOf(principal, sessionId), "updateOptions", options);
    },
    rewind: (principal, sessionId, body) => requests.ask(keyOf(principal, sessionId), "rewind", body),
    async sync(principal, sessionId) {
      await requests.ask(keyOf(principal, sessionId), "sync", {});
    },
    async unload(principal, sessionId) {
      await requests.ask(keyOf(principal, sessionId), "unload", {});
    },
    async delete(principal, sessionId) {
      await requests.ask(keyOf(principal, sessionId), "delete", {});
      watch.changed(principal.tenant, { event: "sessions:removed", sessionId });
    },
    async blocks(principal, sessionId, page): Promise<BlocksPage> {
      const key = keyOf(principal, sessionId);
      const state = await manager.state(key);
      const { blocks, more } = await store.blocks(key, page);
      const live = liveBlocks(state, page.conversationId);
      const oldest = blocks[0];
      return {
        blocks: blocks.map((block) => live.get(block.id) ?? block),
        ...(more && oldest !== undefined ? { before: oldest.id } : {}),
      };
    },
    async files(principal, sessionId, { seq } = {}) {
      const key = keyOf(principal, sessionId);
      return { files: [...(await filesOf({ store, key, head: await manager.head(key) }, seq))] };
    },
    async file(principal, sessionId, { path, seq }) {
      const key = keyOf(principal, sessionId);
      return keptFile({ store, key, head: await manager.head(key) }, { path, seq });
    },
    async putFile(principal, sessionId, file) {
      assertGiven({ path: file.path, size: file.bytes.byteLength }, parts.limits);
      return requests.putFile(keyOf(principal, sessionId), file);
    },
    async deleteFile(principal, sessionId, path) {
      await requests.ask(keyOf(principal, sessionId), "deleteFile", { path });
    },
    async archive(principal, sessionId) {
      const key = keyOf(principal, sessionId);
      await manager.head(key);
      return workspaceArchive({ store, key, files: await store.files(key) });
    },
    async network(principal, sessionId) {
      const key = keyOf(principal, sessionId);
      await manager.head(key);
      const { allowedHosts } = await parts.network(key);
      return { allowedHosts: [...allowedHosts], places: await requests.look(key, "network", {}) };
    },
    async sandbox(principal, sessionId) {
      const key = keyOf(principal, sessionId);
      const { sandbox: stored } = await manager.head(key);
      const { runtime, sandboxes = [] } = await manager.state(key);
      // Where its node does not answer, what the log says is said all the same.
      const log = await requests.look(key, "sandboxLog", {}).catch((error: unknown) => ({
        lines: [],
        reason: `The server that runs the session did not say: ${toRuntimeError(error).message}`,
      }));
      return {
        sandbox: runtime.sandbox,
        ...(stored === null ? {} : { provider: stored.provider }),
        generations: [...sandboxes],
        log,
      };
    },
    async follow(principal, sessionId, options): Promise<Follow> {
      const key = keyOf(principal, sessionId);
      const { logId, lastSeq } = await manager.position(key);
      const resync =
        options.logId !== undefined && options.logId !== logId
          ? ("log_replaced" as const)
          : options.after > lastSeq
            ? ("cursor_ahead" as const)
            : undefined;
      if (resync !== undefined) return { logId, lastSeq, resync, batches: nothing() };
      const { after, signal, conversation } = options;
      const until = options.tail === true ? { until: lastSeq } : {};
      const batches = followLog(parts, key, { after, signal, lastSeq, ...until });
      const onNotice = (listener: (notice: Notice) => void) => parts.notices.watch(key, listener);
      return {
        logId,
        lastSeq,
        onNotice,
        batches: conversation === undefined ? batches : conversationFrames(batches, conversation, after),
      };
    },
    watch: (principal, listener) => watch.watch(principal.tenant, listener),
    async profiles() {
      const profiles = await parts.profiles.listAgentProfiles();
      return { profiles };
    },
    async readiness() {
      const persistence = await persistenceCheck();
      const { node } = parts;
      const checks: Record<string, string> = { persistence };
      if (node !== undefined) checks["cluster"] = node.lapse?.message ?? "ok";
      return { ready: Object.values(checks).every((check) => check === "ok"), checks };
    },
  };
}

// eslint-disable-next-line require-yield
async function* nothing(): AsyncGenerator<never> {}

/** Blocks that are being written: their text so far is in the state only. */
function liveBlocks(state: SessionState, conversationId: string): Map<string, SessionState["blocks"][number]> {
  const blocks =
    conversationId === MAIN_CONVERSATION
      ? state.blocks
      : (state.subagents.find((subagent) => subagent.id === conversationId)?.blocks ?? []);
  return new Map(blocks.filter(({ id }) => state.streamingBlockIds.includes(id)).map((block) => [block.id, block]));
}

/** A state as `GET /sessions` lists it. */
export function listItem(state: SessionState): SessionListItem {
  return { ...createAnswer(state), ...overviewOf(state) };
}

function createAnswer(state: SessionState): CreateSessionAnswer {
  const { sessionId, type, agentProfileReference, name, createdAt, lastActivity, sessionOptions, metadata, runtime } =
    state;
  return {
    sessionId,
    type,
    agentProfileReference,
    ...(name === undefined ? {} : { name }),
    createdAt,
    ...(lastActivity === undefined ? {} : { lastActivity }),
    ...(sessionOptions === undefined ? {} : { sessionOptions }),
    ...(metadata === undefined ? {} : { metadata }),
    runtime,
  };
}
