import { initialState, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { afterEach, expect, test, vi } from "vitest";
import { SessionUpkeep, type KeptUpSession } from "./session-upkeep.ts";

let upkeep: SessionUpkeep<KeptUpSession> | undefined;
afterEach(() => upkeep?.stop());

const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const asks = { wait: false, needServer: false, defer: async () => true };

function session(sessionId: string, more: Partial<KeptUpSession> = {}): KeptUpSession {
  const state: SessionState = { ...initialState(sessionId, "log"), createdAt: new Date(0).toISOString() };
  const idle = { loadedAt: 0, idle: true, asks, hasSandbox: true, rest: async () => undefined };
  return { sessionId, ...idle, getState: () => state, sync: async () => undefined, ...more };
}

/** A save, or whatever else ends no sooner than its sandbox answers. */
const hangs = (): Promise<void> => new Promise(() => undefined);

test("a session that hangs as it is put to sleep keeps no other one awake, and is not put to sleep twice", async () => {
  const loaded = ["hangs", "fails", "sleeps"].map((id) => session(id));
  const asked: string[] = [];
  const unload = async ({ sessionId }: KeptUpSession): Promise<void> => {
    asked.push(sessionId);
    if (sessionId === "hangs") return hangs();
    if (sessionId === "fails") throw new Error("not saved");
    loaded.splice(2);
  };
  const parts = { now: () => new Date(), log, limits: { syncIntervalMs: 1_000_000 } };
  upkeep = new SessionUpkeep(parts, { idleTimeoutMs: 1, loaded: () => loaded, unload });
  upkeep.start();
  await vi.waitFor(() => expect(asked.filter((id) => id === "fails").length).toBeGreaterThan(2));
  expect(asked.filter((id) => id !== "fails").toSorted()).toEqual(["hangs", "sleeps"]);
});

test("a workspace whose sandbox hangs keeps no other one from being saved again and again", async () => {
  const asked: string[] = [];
  const busy = (id: string, work: () => Promise<void>): KeptUpSession => {
    const turn = { turnId: "t", messageIds: [], startedAt: new Date(0).toISOString() };
    const getState = (): SessionState => ({ ...initialState(id, "log"), turn });
    return session(id, { idle: false, getState, sync: () => (asked.push(id), work()) });
  };
  const loaded = [busy("hangs", hangs), busy("works", async () => undefined)];
  const parts = { now: () => new Date(), log, limits: { syncIntervalMs: 5 } };
  upkeep = new SessionUpkeep(parts, { idleTimeoutMs: 1_000_000, loaded: () => loaded, unload: hangs });
  upkeep.start();
  await vi.waitFor(() => expect(asked.filter((id) => id === "works").length).toBeGreaterThan(2));
  expect(asked.filter((id) => id === "hangs")).toEqual(["hangs"]);
});
