import type { SessionState } from "@hhopkins/agent-runtime";
import { script } from "@hhopkins/agent-runtime-testkit";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { SseFollower } from "../client/sse-follower.ts";
import { Recorder } from "../contract/recorder.ts";
import { startCluster, type ClusterUnderTest } from "../testing/cluster-under-test.ts";
import { API_KEY } from "../testing/runtime-under-test.ts";
import type { ServerProcess } from "../testing/server-process.ts";
import { runsServer, type DatabaseKind } from "../testing/test-database.ts";

// Two server processes on one database. A session runs on one of them; everything here is asked of the other one.

const WAIT = { timeout: 60_000, interval: 20 };
const WAYS: readonly { name: string; kind: DatabaseKind; bus?: "redis" | "nats" }[] = [
  { name: "PostgreSQL and its NOTIFY", kind: "postgres" },
  { name: "MariaDB and Redis", kind: "mysql", bus: "redis" },
  { name: "MariaDB and NATS", kind: "mysql", bus: "nats" },
  { name: "MariaDB and polling", kind: "mysql" },
];

/** A turn that goes on for as long as a test of a busy machine needs it, and one that ends. */
const LASTING = script([{ text: "slowly ".repeat(1200), chunk: 7, delayMs: 100 }]);
const SLOW = script([{ text: "slowly ".repeat(40), chunk: 4, delayMs: 50 }, { text: "and then this" }]);

describe.each(WAYS)("$name", ({ kind, bus }) => {
  let cluster: ClusterUnderTest;
  let servers: readonly { nodeId: string; server: ServerProcess }[];

  beforeAll(async () => {
    cluster = await startCluster(kind);
    const server = bus === undefined ? undefined : await runsServer(bus);
    if (typeof server === "string") throw new Error(server);
    const flags = server === undefined ? [] : ["--bus", server.url];
    servers = await Promise.all(
      ["a", "b"].map(async (name) => {
        const started = await cluster.node(name, { flags });
        const [file = ""] = await readdir(join(cluster.folder(name), "data", "nodes"));
        return { nodeId: file.replace(".json", ""), server: started };
      }),
    );
  });
  afterAll(async () => cluster[Symbol.asyncDispose]());

  const send = async (server: ServerProcess, id: string, message: object) => {
    const response = await server.request("POST", `/sessions/${id}/message`, message);
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  const follow = (server: ServerProcess, id: string) =>
    Recorder.follow(`${server.url.replace("http", "ws")}/ws`, id, API_KEY);
  const any = (): ServerProcess => servers[0]!.server;

  /** A session with a turn that says something already: `home` runs it, `other` does not. */
  async function running(content = LASTING) {
    const id = await cluster.create(any());
    expect((await send(any(), id, { content, messageId: "first" })).status).toBe(202);
    await any().until(id, ({ blocks }) => blocks.some(({ type }) => type === "assistant_text"));
    const lease = await cluster.lease(id);
    const home = servers.find(({ nodeId }) => nodeId === lease?.nodeId)!.server;
    const other = servers.find(({ nodeId }) => nodeId !== lease?.nodeId)!.server;
    const status = async (method: string, path: string, body?: unknown): Promise<number> =>
      (await other.request(method, `/sessions/${id}${path}`, body)).status;
    return { id, lease, home, other, status };
  }

  test("a turn is followed on both nodes, by WebSocket and SSE: the same events, without hole or double", async () => {
    const id = await cluster.create(any());
    const recorders = await Promise.all(servers.map(({ server }) => follow(server, id)));
    const streams = servers.map(({ server: { url } }) => new SseFollower({ url, sessionId: id, key: API_KEY }));
    await send(any(), id, { content: SLOW, messageId: "one" });
    await Promise.all(recorders.map((recorder) => recorder.turnOf("one")));
    const seqs = (recorder: Recorder) => recorder.frames.flatMap(({ seq }) => seq ?? []);
    const { lastSeq } = await any().state(id);
    await vi.waitUntil(() => recorders.every((recorder) => seqs(recorder).at(-1) === lastSeq), WAIT);
    const whole = Array.from({ length: lastSeq }, (_unused, index) => index + 1);
    expect(recorders.map(seqs)).toEqual([whole, whole]);
    const told = (recorder: Recorder) =>
      recorder.frames.flatMap((frame) => (frame.seq === undefined ? [] : JSON.stringify(frame)));
    expect(told(recorders[0]!)).toEqual(told(recorders[1]!));
    await vi.waitUntil(() => streams.every(({ state }) => state?.lastSeq === lastSeq), WAIT);
    const texts = await Promise.all(servers.map(({ server }) => server.stateText(id)));
    expect(streams.map(({ state }) => JSON.stringify(state))).toEqual(texts);
    expect(texts[0]).toBe(texts[1]);
    for (const recorder of recorders) recorder.close();
    await Promise.all(streams.map((stream) => stream.stop()));
  });

  // A list is told of by notes alone: polling asks for logs.
  if (kind === "postgres" || bus !== undefined)
    test("lists are watched over nodes", async () => {
      const socket = new WebSocket(`${servers[1]!.server.url.replace("http", "ws")}/ws`, {
        headers: { "x-api-key": API_KEY },
      });
      const frames: { event?: string; ack?: string; data: Record<string, unknown> }[] = [];
      socket.on("message", (data: Buffer) => frames.push(JSON.parse(data.toString()) as (typeof frames)[number]));
      await vi.waitUntil(() => socket.readyState === WebSocket.OPEN, WAIT);
      socket.send(JSON.stringify({ id: "watch", event: "sessions:watch", data: {} }));
      await vi.waitUntil(() => frames.some(({ ack }) => ack === "watch"), WAIT);
      const id = await cluster.create(any());
      const seen = (event: string, matches: (data: Record<string, unknown>) => boolean) =>
        vi.waitUntil(() => frames.some((frame) => frame.event === event && matches(frame.data)), WAIT);
      const updated = (matches: (session: SessionState) => boolean) =>
        seen("sessions:updated", ({ session }) => {
          const item = session as SessionState;
          return item.sessionId === id && matches(item);
        });
      await updated(({ runtime }) => !runtime.isLoaded);
      await send(any(), id, { content: script([{ text: "quick" }]) });
      await updated(({ runtime }) => runtime.sandbox?.status === "ready");
      expect((await any().request("DELETE", `/sessions/${id}`)).status).toBe(204);
      await seen("sessions:removed", ({ sessionId }) => sessionId === id);
      socket.terminate();
    });

  // What does not depend on how nodes wake each other.
  if (bus === undefined) {
    test("messages sent to the other node: answered as the first time by both, 409 for another content, edited, withdrawn", async () => {
      const { id, lease, home, other, status } = await running();
      const first = await send(other, id, { content: "waits", messageId: "second" });
      expect(first).toEqual({ status: 202, json: { success: true, sessionId: id, messageId: "second", position: 1 } });
      for (const server of [other, home])
        expect(await send(server, id, { content: "waits", messageId: "second" })).toEqual(first);
      const reused = await send(other, id, { content: "something else", messageId: "second" });
      expect([reused.status, reused.json["error"], reused.json["field"]]).toEqual([409, "conflict", "body.messageId"]);
      expect((await send(other, id, { content: "goes", messageId: "third" })).json["position"]).toBe(2);
      expect(await status("PATCH", "/messages/second", { content: "go on" })).toBe(204);
      expect(await status("DELETE", "/messages/third")).toBe(204);
      expect(await status("DELETE", "/messages/third")).toBe(404);
      const { queue } = await home.state(id);
      expect(queue.map(({ messageId, content }) => [messageId, content])).toEqual([["second", "go on"]]);
      // It was the other node's to ask, and not to take.
      expect(await cluster.lease(id)).toEqual(lease);
      await other.request("DELETE", `/sessions/${id}`);
    });

    test("the other node interrupts the turn that it sees, changes options, saves and unloads; a later turn is not hit", async () => {
      const { id, lease, home, other, status } = await running();
      expect(await status("PATCH", "/options", { model: "claude-test" })).toBe(204);
      expect((await home.state(id)).sessionOptions).toEqual({ model: "claude-test" });
      expect(await status("PATCH", "/options", { modell: "x" })).toBe(400);
      expect(await status("POST", "/interrupt")).toBe(204);
      const stopped = await home.until(id, ({ turn }) => turn === null);
      expect(stopped.blocks.at(-1)).toMatchObject({ type: "system", subtype: "interrupted" });
      // Nothing runs: nothing is stopped.
      expect(await status("POST", "/interrupt")).toBe(204);
      expect(await status("POST", "/sync")).toBe(204);
      expect(await (await other.request("GET", `/sessions/${id}/sandbox`)).json()).toMatchObject({
        sandbox: { status: "ready" },
        generations: [{ status: "ready" }],
        log: { lines: expect.arrayContaining([expect.stringContaining("harness started")]) as string[] },
      });
      expect(await cluster.lease(id)).toEqual(lease);
      expect(await status("POST", "/unload")).toBe(204);
      expect((await other.state(id)).runtime).toMatchObject({ isLoaded: false, sandbox: { status: "terminated" } });
      expect(await cluster.lease(id)).toBeUndefined();
    });

    test("a message over the other node's WebSocket, and a deletion on it that ends everybody's stream", async () => {
      const { id, home, other, status } = await running();
      const [near, far] = [await follow(home, id), await follow(other, id)];
      far.send({
        id: "sent",
        event: "session:message",
        data: { sessionId: id, content: "go on", messageId: "over-ws" },
      });
      await vi.waitUntil(() => far.frames.some(({ ack }) => ack === "sent"), WAIT);
      expect(far.frames.find(({ ack }) => ack === "sent")?.data).toMatchObject({ success: true, position: 1 });
      expect(await status("DELETE", "")).toBe(204);
      for (const recorder of [near, far])
        await vi.waitUntil(() => recorder.frames.some(({ event }) => event === "sessions:removed"), WAIT);
      for (const server of [home, other]) expect((await server.request("GET", `/sessions/${id}`)).status).toBe(404);
      expect(await status("POST", "/message", { content: "too late" })).toBe(404);
      for (const recorder of [near, far]) recorder.close();
    });

    test("the node that runs it hangs: a message is kept all the same, and taken once by whoever takes the session over", async () => {
      const { id, lease, home, other, status } = await running(SLOW);
      process.kill(home.pid, "SIGSTOP");
      try {
        const sent = await send(other, id, { content: "go on", messageId: "kept" });
        expect(sent).toEqual({ status: 202, json: { success: true, sessionId: id, messageId: "kept" } });
        // Whatever else is asked waits until somebody has the session.
        expect(await status("POST", "/interrupt")).toBe(204);
        expect((await cluster.lease(id))?.fence).toBeGreaterThan(lease?.fence ?? 0);
        await other.until(id, ({ blocks }) => blocks.some((block) => block.id === "kept"));
      } finally {
        process.kill(home.pid, "SIGCONT");
      }
      await other.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
      for (const server of [home, other])
        expect((await send(server, id, { content: "go on", messageId: "kept" })).status).toBe(202);
      const { blocks, queue } = await home.state(id);
      expect([blocks.filter((block) => block.id === "kept").length, queue]).toEqual([1, []]);
    });

    test("what a session's sandbox reached is told by the node that knows", async () => {
      const { id, home, other } = await running(script([{ text: "quick" }]));
      const near = await (await home.request("GET", `/sessions/${id}/network`)).json();
      expect(await (await other.request("GET", `/sessions/${id}/network`)).json()).toEqual(near);
    });
  }
});
