import { createAgentClient, type ConnectionStatus, type LiveEvent } from "@hhopkins/agent-runtime-client";
import { initialState, reduce } from "@hhopkins/agent-runtime-protocol";
import { expect, test, vi } from "vitest";
import { emptyProvider } from "../contract/providers.ts";
import { KEY, runningServer } from "../contract/running-server.ts";
import { cuttableProxy } from "./cuttable-proxy.ts";

// The client on a real runtime, over a line that is cut. Changes of the options are events that need no sandbox.

const config = { sandbox: emptyProvider(() => new Promise(() => undefined)) };
const WAIT = { timeout: 30_000, interval: 5 };
const backoff = { initialMs: 1, maxMs: 20 };

test("followers whose line is cut again and again hold the server's state, byte for byte, and saw each event once", async () => {
  await using server = await runningServer({ config });
  await using line = await cuttableProxy(Number(new URL(server.url).port));
  const direct = createAgentClient({ baseUrl: server.url, apiKey: KEY });
  const cut = createAgentClient({ baseUrl: `http://127.0.0.1:${line.port}`, apiKey: KEY });
  const sessionId = await server.create({ name: "cut" });
  for (let n = 0; n < 20; n += 1) await direct.updateOptions(sessionId, { model: `before-${n}` });
  const seen: LiveEvent[] = [];
  const folding = cut.follow(sessionId, { onEvent: (event) => seen.push(event) }, { fromStart: true, backoff });
  const following = cut.follow(sessionId, {}, { backoff });
  for (let n = 0; n < 150; n += 1) {
    await direct.updateOptions(sessionId, { model: `m-${n}` });
    if (n % 10 === 5) line.cut();
    if (n === 60) line.refuse();
    if (n === 90) line.resume();
  }
  const { lastSeq } = await direct.getSession(sessionId);
  await vi.waitUntil(() => folding.state?.lastSeq === lastSeq && following.state?.lastSeq === lastSeq, WAIT);
  const text = await (await fetch(`${server.url}/sessions/${sessionId}`, { headers: { "x-api-key": KEY } })).text();
  expect(JSON.stringify(folding.state)).toBe(text);
  expect(JSON.stringify(following.state)).toBe(text);
  expect(seen.map((event) => event.seq)).toEqual(Array.from({ length: lastSeq }, (_, index) => index + 1));
  expect(line.connections).toBeGreaterThan(4);
  for (const follower of [folding, following]) follower.stop();
  await Promise.all([folding.ended, following.ended]);

  // What is read afterwards is the same log.
  let read = initialState(sessionId, following.state?.logId ?? "");
  const half = Math.floor(lastSeq / 2);
  for (const page of [{ upTo: half }, { after: half }])
    for await (const batch of cut.readEvents(sessionId, page)) read = batch.reduce(reduce, read);
  expect(JSON.stringify(read)).toBe(text);
});

test("a message that is sent comes back on the live line; what is deleted ends the follower", async () => {
  await using server = await runningServer({ config });
  const client = createAgentClient({ baseUrl: server.url, apiKey: KEY });
  const { sessionId } = await client.createSession({ agentProfileRef: "default", architecture: "claude-agent-sdk" });
  const statuses: ConnectionStatus[] = [];
  const errors: string[] = [];
  const following = client.follow(sessionId, {
    onConnection: (status) => statuses.push(status),
    onError: (error) => errors.push(error.code),
  });
  await vi.waitUntil(() => following.status === "live", WAIT);
  const sent = await client.sendMessage(sessionId, "hello", { messageId: "m1" });
  expect(await client.sendMessage(sessionId, "hello", { messageId: "m1" })).toEqual(sent);
  await expect(client.sendMessage(sessionId, "other", { messageId: "m1" })).rejects.toMatchObject({
    code: "conflict",
    status: 409,
  });
  await vi.waitUntil(() => JSON.stringify(following.state).includes('"hello"'), WAIT);
  await client.deleteSession(sessionId);
  await following.ended;
  expect([statuses, errors]).toEqual([["live", "failed"], ["session_not_found"]]);
});

test("a wrong key and a session of nobody end at once, with their codes", async () => {
  await using server = await runningServer({ config });
  for (const [apiKey, sessionId, code] of [
    ["wrong", "s", "unauthorized"],
    [KEY, "nobody", "session_not_found"],
  ] as const) {
    for (const fromStart of [false, true]) {
      const errors: string[] = [];
      const following = createAgentClient({ baseUrl: server.url, apiKey }).follow(
        sessionId,
        { onError: (error) => errors.push(error.code) },
        { fromStart, backoff },
      );
      await following.ended;
      expect([following.status, errors]).toEqual(["failed", [code]]);
    }
  }
});
