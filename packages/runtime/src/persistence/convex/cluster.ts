import type { ClusterStore, CommandAnswer, NodeRecord, SessionCommand, SessionKey } from "../session-store.ts";
import { nodeNotAlive, noSession } from "../store-errors.ts";
import type { ConvexCalls } from "./client.ts";
import { splitText } from "./functions/split.ts";
import { claimedOf } from "./lists.ts";
import { parseParts, storable } from "./texts.ts";
import { keyText } from "./wire.ts";

/** Questions that go in one call. */
const TAILS = 1_000;
const ANSWERS = 500;

/** How several servers share a deployment: all of it are Convex's own transactions. There is no bus: they ask. */
export function convexCluster(calls: ConvexCalls): ClusterStore {
  return {
    heartbeat: async (node, ttlMs) => {
      const args = { nodeId: node.nodeId, record: JSON.stringify(node), ttlMs };
      const { lapsed, nodes } = await calls.mutation((api) => api.nodes.heartbeat, args);
      return { lapsed, nodes: nodes.map((text) => parseParts<NodeRecord>([text], "a node")) };
    },
    leave: async (nodeId) => void (await calls.mutation((api) => api.nodes.leave, { nodeId })),
    claim: async (key, nodeId) => {
      const lease = await calls.mutation((api) => api.nodes.claim, { key: keyText(key), nodeId });
      if (lease === null) throw noSession(key.sessionId);
      if (lease === "dead") throw nodeNotAlive(nodeId);
      return lease;
    },
    lease: (key) => calls.mutation((api) => api.nodes.lease, { key: keyText(key) }),
    release: async (key, { nodeId, fence }) => {
      await calls.mutation((api) => api.nodes.release, { key: keyText(key), nodeId, fence });
    },
    leases: (nodeId) => leases(calls, nodeId),
    abandoned: async (limit) => {
      const found = await calls.mutation((api) => api.nodes.abandoned, { limit });
      return found.map(claimedOf);
    },
    tails: async (keys) =>
      await inPages(keys.map(keyText), TAILS, (page) => calls.query((api) => api.reads.tails, { keys: page })),
    ...commands(calls),
  };
}

function commands(calls: ConvexCalls): Pick<ClusterStore, "send" | "waiting" | "answer" | "answers" | "forget"> {
  return {
    send: async (command) => {
      const args = {
        key: keyText(command),
        id: storable(command.id),
        command: splitText(JSON.stringify(command)),
        validMs: command.validMs ?? null,
      };
      if ((await calls.mutation((api) => api.commands.send, args)) !== null) throw noSession(command.sessionId);
    },
    waiting: async (nodeId, limit) => {
      const found = await calls.mutation((api) => api.commands.waiting, { nodeId, limit });
      return found.map(({ id, command }) => parseParts<SessionCommand>(command, `command ${id}`));
    },
    answer: async (id, answer) => {
      const args = { id: storable(id), answer: splitText(JSON.stringify(answer)) };
      await calls.mutation((api) => api.commands.answer, args);
    },
    answers: async (ids) => {
      const texts = await inPages(ids.map(storable), ANSWERS, (page) =>
        calls.query((api) => api.commands.answers, { ids: page }),
      );
      return texts.map((text) => (text === null ? null : parseParts<CommandAnswer>(text, "an answer")));
    },
    forget: async (ids) => {
      await inPages(ids.map(storable), ANSWERS, async (page) => {
        await calls.mutation((api) => api.commands.forget, { ids: page });
        return page;
      });
    },
  };
}

async function leases(calls: ConvexCalls, nodeId: string): Promise<(SessionKey & { fence: number })[]> {
  const all: (SessionKey & { fence: number })[] = [];
  let after = "";
  for (let more = true; more;) {
    const page = await calls.query((api) => api.nodes.leases, { nodeId, after });
    for (const { tenant, sessionId, fence } of page.found) all.push({ tenant, sessionId, fence });
    after = page.found.at(-1)?.key ?? after;
    more = page.more;
  }
  return all;
}

/** Asks for some at a time; a call may answer fewer than it was asked for. */
async function inPages<T, R>(all: readonly T[], most: number, ask: (page: T[]) => Promise<readonly R[]>): Promise<R[]> {
  const answers: R[] = [];
  while (answers.length < all.length) {
    const page = await ask(all.slice(answers.length, answers.length + most));
    if (page.length === 0) throw new Error("the deployment answered nothing");
    answers.push(...page);
  }
  return answers;
}
