import { RuntimeError, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import type { RunMethod } from "../cluster/command-executor.ts";
import { NoAnswer, type RemoteCommands } from "../cluster/remote-commands.ts";
import { RunsElsewhere } from "../cluster/runs-elsewhere.ts";
import { memoryStore } from "../persistence/memory-store.ts";
import { sha256 } from "./entry-translation.ts";
import { SessionRequests } from "./session-requests.ts";

const KEY = { tenant: "default", sessionId: "s1" };
const RECORD = {
  sessionId: "s1",
  type: "claude-agent-sdk",
  agentProfileReference: "default",
  createdAt: "2026-01-01T00:00:00.000Z",
};
const KEPT = { success: true, sessionId: "s1", messageId: "m1", position: 3 } as const;

interface Scene {
  /** What the other node says; absent: there are no other nodes. */
  readonly elsewhere?: (method: string, body: unknown) => unknown;
  readonly turn?: string;
  readonly exists?: boolean;
}

async function scene({ elsewhere, turn, exists = true }: Scene) {
  const store = memoryStore();
  if (exists) await store.create({ ...KEY, record: RECORD, logId: "log", first: { events: [] } });
  const asked: [string, string, unknown][] = [];
  const here = (async (_key: unknown, method: string, body: unknown) => {
    if (elsewhere !== undefined && method !== "network") throw new RunsElsewhere(KEY, { nodeId: "other", fence: 4 });
    asked.push(["here", method, body]);
    return KEPT;
  }) as RunMethod;
  const remote = {
    ask: async ({ method, body, nodeId }: { method: string; body: unknown; nodeId: string }) => {
      asked.push([nodeId, method, body]);
      return elsewhere?.(method, body);
    },
    holder: async () => "other",
  } as unknown as RemoteCommands;
  const manager = {
    state: async () => ({ turn: turn === undefined ? null : { turnId: turn } }) as SessionState,
    head: async () => {
      const head = await store.head(KEY);
      if (head === null) throw new RuntimeError("session_not_found", "There is no session s1.");
      return head;
    },
  };
  const parts = { store, newId: () => "new", manager, here, remote: elsewhere === undefined ? undefined : remote };
  const keep = async (message: { messageId: string; idempotencyKey?: string }, content: string): Promise<void> => {
    const messages = [{ ...message, contentHash: sha256(content), position: 3 }];
    expect(await store.append([{ ...KEY, expectedSeq: 0, events: [], messages }])).toEqual([null]);
  };
  return { requests: new SessionRequests(parts), asked, keep };
}

const silent = (): never => {
  throw new NoAnswer(KEY);
};

test("what this node runs is asked of nobody else", async () => {
  const { requests, asked } = await scene({});
  expect(await requests.send(KEY, { content: "hello", messageId: "m1" })).toEqual(KEPT);
  await requests.ask(KEY, "sync", {});
  expect(asked.map(([where, method]) => [where, method])).toEqual([
    ["here", "send"],
    ["here", "sync"],
  ]);
});

test("a message has its id before it goes anywhere, and the same one for the same Idempotency-Key on every node", async () => {
  const { requests, asked, keep } = await scene({ elsewhere: () => KEPT });
  await requests.send(KEY, { content: "a" });
  await requests.send(KEY, { content: "b", idempotencyKey: "once" });
  await requests.send(KEY, { content: "b", idempotencyKey: "once" });
  await keep({ messageId: "by-an-older-server", idempotencyKey: "known" }, "c");
  await requests.send(KEY, { content: "c", idempotencyKey: "known" });
  const ids = asked.map(([, , body]) => (body as { messageId: string }).messageId);
  expect(ids[0]).toBe("msg_new");
  expect(ids[1]).toMatch(/^msg_[0-9a-f]{32}$/);
  expect(ids.slice(2)).toEqual([ids[1], "by-an-older-server"]);
});

test("a message without an answer in time is promised; one that is in the log by now is answered from there", async () => {
  const { requests, keep } = await scene({ elsewhere: silent });
  const promised = { success: true, sessionId: "s1", messageId: "m1" };
  expect(await requests.send(KEY, { content: "hello", messageId: "m1" })).toEqual(promised);
  await keep({ messageId: "m1" }, "hello");
  expect(await requests.send(KEY, { content: "hello", messageId: "m1" })).toEqual(KEPT);
  const reused = requests.send(KEY, { content: "other", messageId: "m1" });
  await expect(reused).rejects.toMatchObject({ code: "conflict", field: "body.messageId" });
});

test("nothing is promised for a session that was deleted meanwhile, nor for anything but a message", async () => {
  const gone = await scene({ elsewhere: silent, exists: false });
  await expect(gone.requests.send(KEY, { content: "hello" })).rejects.toMatchObject({ code: "session_not_found" });
  const { requests } = await scene({ elsewhere: silent });
  await expect(requests.ask(KEY, "delete", {})).rejects.toMatchObject({ code: "unavailable", retryAfter: 2 });
});

test("an interrupt names the turn that can be seen; where none runs nobody is asked", async () => {
  const running = await scene({ elsewhere: () => null, turn: "turn_7" });
  await running.requests.interrupt(KEY);
  expect(running.asked).toEqual([["other", "interrupt", { turnId: "turn_7" }]]);
  const idle = await scene({ elsewhere: () => null });
  await idle.requests.interrupt(KEY);
  expect(idle.asked).toEqual([]);
});

test("what only the memory of a session's node has is asked of it, and loads nothing", async () => {
  const { requests, asked } = await scene({ elsewhere: () => [] });
  expect(await requests.look(KEY, "network", {})).toEqual([]);
  expect(asked).toEqual([["other", "network", {}]]);
  const alone = await scene({});
  await alone.requests.look(KEY, "network", {});
  expect(alone.asked).toEqual([["here", "network", {}]]);
});
