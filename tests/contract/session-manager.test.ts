import { SessionManager } from "@hhopkins/agent-runtime";
import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Recorder } from "./recorder.ts";
import { KEY, runningServer, type RunningServer } from "./running-server.ts";

const BODY = { agentProfileRef: "default", architecture: "claude-agent-sdk" };

let server: RunningServer;

beforeAll(async () => {
  server = await runningServer();
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test("createSession, getLoadedSessions, getSession and getState", async () => {
  const { sessionManager } = server.runtime;
  expect(sessionManager).toBeInstanceOf(SessionManager);
  const session = await sessionManager.createSession({ ...BODY, name: "Embedded" });
  expect(sessionManager.getLoadedSessions().map(({ sessionId }) => sessionId)).toEqual([session.sessionId]);
  expect(sessionManager.getSession(session.sessionId).getState()).toMatchObject({
    name: "Embedded",
    runtime: { isLoaded: true, sandbox: null },
  });
  expect(JSON.stringify(session.getState())).toBe(JSON.stringify(await server.state(session.sessionId)));
  await sessionManager.unloadSession(session.sessionId);
});

test("a session that is not loaded: getSession throws, loadSession loads, ten at once load one", async () => {
  const { sessionManager } = server.runtime;
  const sessionId = await server.create();
  expect(() => sessionManager.getSession(sessionId)).toThrow(expect.objectContaining({ code: "session_not_loaded" }));
  expect((await server.state(sessionId)).runtime.isLoaded).toBe(false);
  expect(sessionManager.getLoadedSessions()).toEqual([]);
  const loaded = await Promise.all(Array.from({ length: 10 }, () => sessionManager.loadSession(sessionId)));
  expect(new Set(loaded).size).toBe(1);
  expect(sessionManager.getSession(sessionId)).toBe(loaded[0]);
  await expect(sessionManager.loadSession("nobody")).rejects.toMatchObject({ code: "session_not_found" });
  await sessionManager.unloadSession(sessionId);
});

test("unloadSession ends the sandbox after saving; a held session answers its last state; a message loads it again", async () => {
  const { sessionManager } = server.runtime;
  const sessionId = await server.create();
  const recorder = await Recorder.follow(server.wsUrl, sessionId, KEY);
  await server.send(sessionId, script([{ text: "before" }, { text: "after" }]), { messageId: "one" });
  await recorder.turnOf("one");
  const held = sessionManager.getSession(sessionId);
  await sessionManager.unloadSession(sessionId);
  expect(sessionManager.getLoadedSessions()).toEqual([]);
  expect(held.getState().runtime).toMatchObject({ isLoaded: false, sandbox: { status: "terminated" } });
  expect(held.getState().blocks).toHaveLength(2);
  await server.send(sessionId, "go on", { messageId: "two" });
  await recorder.turnOf("two");
  recorder.close();
  expect((await server.state(sessionId)).blocks.at(-1)).toMatchObject({ content: "after" });
});

test("after shutdown nothing new is taken", async () => {
  const own = await runningServer();
  const sessionId = await own.create();
  await own.runtime.shutdown();
  const refused = await own.send(sessionId, "too late");
  expect([refused.status, refused.json.error]).toEqual([503, "shutting_down"]);
  expect(refused.headers.get("retry-after")).toBe("5");
  await own[Symbol.asyncDispose]();
});
