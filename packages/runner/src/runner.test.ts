import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NO_USAGE } from "@hhopkins/agent-runtime-protocol";
import { fakeArchitecture } from "./testing/fake-architecture.ts";
import { until } from "./testing/fake-server.ts";
import { RunnerFixture, START, kinds, message } from "./testing/runner-fixture.ts";

let fixture: RunnerFixture;
beforeEach(async () => {
  fixture = new RunnerFixture();
  await fixture.server.listen();
});
afterEach(() => fixture.remove());

describe("a runner", () => {
  it("starts a harness, runs a turn, tells words, files and the end, in this order", async () => {
    const fake = fakeArchitecture(async ({ spec, content, text }) => {
      writeFileSync(join(spec.workspace, "made"), content);
      await text("b1", "hel", "lo");
    });
    const runner = await fixture.run(fake);
    const peer = await fixture.attached();
    expect(await peer.ask("c1", START)).toMatchObject({ ok: true, data: { nativeSessionId: "native-1" } });
    expect(fake.spec).toMatchObject({
      modelUrl: runner.modelUrl,
      modelToken: "token",
      workspace: join(fixture.folder, "workspace"),
    });
    expect(await peer.ask("c2", message("t1", "to the file"))).toEqual({ type: "reply", id: "c2", ok: true });
    const end = await peer.entry("turn:ended");
    expect(end).toEqual({
      kind: "turn:ended",
      turnId: "t1",
      status: "completed",
      usage: { ...NO_USAGE, outputTokens: 3, totalTokens: 3 },
      costUSD: 0.5,
    });
    expect(kinds(peer).filter((kind) => kind !== "file:changed")).toEqual([
      "harness:ready",
      "block:start",
      "block:delta",
      "block:delta",
      "block:complete",
      "turn:ended",
    ]);
    expect(kinds(peer).indexOf("file:changed")).toBeLessThan(kinds(peer).indexOf("turn:ended"));
    expect(fake.calls).toEqual(["start", "turn t1", "flush"]);
  });

  it("takes each command once: duplicates get the first reply, from another connection too", async () => {
    const release = Promise.withResolvers<void>();
    const fake = fakeArchitecture(() => release.promise);
    await fixture.run(fake);
    const first = await fixture.attached();
    await first.ask("c1", START);
    first.command("c2", message("t1"));
    first.command("c2", message("t1"));
    await first.ask("c2", message("t1"));
    first.socket.destroy();
    await until(() => first.closed);
    const second = await fixture.attached(1);
    expect(await second.ask("c2", message("t1"))).toMatchObject({ ok: true });
    expect(await second.ask("c1", START)).toMatchObject({ ok: true, data: { nativeSessionId: "native-1" } });
    expect(await second.ask("c3", message("t2"))).toMatchObject({ ok: false, error: { code: "conflict" } });
    release.resolve();
    await second.entry("turn:ended");
    expect(fake.calls).toEqual(["start", "turn t1", "flush"]);
  });

  it("goes on with a turn while no server is there, and a later server gets it all", async () => {
    const release = Promise.withResolvers<void>();
    const fake = fakeArchitecture(async ({ text }) => {
      await release.promise;
      await text("b1", ..."a long answer".split(" "));
    });
    await fixture.run(fake);
    const first = await fixture.attached();
    await first.ask("c1", START);
    await first.ask("c2", message("t1"));
    await fixture.server.close();
    release.resolve();
    await until(() => fake.calls.includes("flush"));
    await fixture.server.listen();
    const second = await fixture.attached(first.entries.length);
    await second.entry("turn:ended");
    const all = [...first.entries, ...second.entries];
    expect(all.map((entry) => entry.n)).toEqual(all.map((_, at) => at + 1));
  });

  it("interrupts the running turn or the next, whose id was given, and passes on why", async () => {
    const fake = fakeArchitecture(async ({ interrupted }) => {
      const failure = await interrupted;
      return failure === undefined ? { status: "interrupted" } : { status: "failed", error: failure };
    });
    await fixture.run(fake);
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    expect(await peer.ask("c1a", { kind: "interrupt", turnId: "t0" })).toMatchObject({ ok: true });
    await peer.ask("c2", message("t0"));
    expect(await peer.entry("turn:ended")).toMatchObject({ turnId: "t0", status: "interrupted" });
    expect(fake.calls).toEqual(["start", "flush"]);
    await peer.ask("c3", message("t1"));
    expect(await peer.ask("c4", { kind: "interrupt", turnId: "other" })).toMatchObject({ ok: true });
    expect(fake.calls).toEqual(["start", "flush", "turn t1"]);
    await peer.ask("c5", { kind: "interrupt", turnId: "t1" });
    expect(await peer.entry("turn:ended", (end) => end.turnId === "t1")).toMatchObject({ status: "interrupted" });
    await peer.ask("c6", message("t2"));
    const failure = { code: "model_auth_failed", message: "bad key" };
    await peer.ask("c7", { kind: "interrupt", turnId: "t2", failure });
    expect(await peer.entry("turn:ended", (end) => end.turnId === "t2")).toMatchObject({
      status: "failed",
      error: failure,
    });
  });

  it("ends a turn as failed when the harness breaks its promise, and takes the next", async () => {
    const fake = fakeArchitecture(async ({ content }) => {
      if (content === "throw") throw new TypeError("boom");
      if (content === "nonsense") return { costUSD: -1 };
      return {};
    });
    await fixture.run(fake);
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    for (const [turnId, content] of [
      ["t1", "throw"],
      ["t2", "nonsense"],
      ["t3", "fine"],
    ] as const) {
      await peer.ask(`m-${turnId}`, message(turnId, content));
      await peer.entry("turn:ended", (end) => end.turnId === turnId);
    }
    const ends = peer.bodies.filter((body) => body.kind === "turn:ended");
    expect(ends.map((end) => end.status)).toEqual(["failed", "failed", "completed"]);
    expect(ends[0]?.error).toMatchObject({ code: "harness_failed" });
  });

  it("leaves out what no server would take, and cuts what is too large", async () => {
    const fake = fakeArchitecture(async ({ spec, text }) => {
      await spec.emit({ kind: "block:delta", conversationId: "no spaces allowed", blockId: "b", delta: "x" });
      await text("b1", "y".repeat(3_000_000));
    });
    await fixture.run(fake);
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    await peer.ask("c2", message("t1"));
    await peer.entry("turn:ended");
    const deltas = peer.bodies.filter((body) => body.kind === "block:delta");
    expect(deltas.every((body) => body.conversationId === "main")).toBe(true);
    expect(deltas.reduce((sum, body) => sum + body.delta.length, 0)).toBe(3_000_000);
    expect(await peer.entry("block:complete")).toMatchObject({ block: { truncated: true } });
  });

  it("pauses the harness when the journal is full, and loses nothing", async () => {
    let said = 0;
    const fake = fakeArchitecture(async ({ spec }) => {
      for (; said < 300; said++) {
        await spec.emit({ kind: "block:delta", conversationId: "main", blockId: "b", delta: "z".repeat(1_000) });
      }
    });
    await fixture.run(fake, { journalBytes: 50_000 });
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    await peer.ask("c2", message("t1"));
    peer.onFrame = () => {};
    await fixture.server.close();
    await until(() => said > 20);
    expect(said).toBeLessThan(150);
    await fixture.server.listen();
    const again = await fixture.server.newest();
    const hello = await again.frame("hello");
    again.onFrame = (frame) => void (frame.type === "entry" && again.send({ type: "ack", n: frame.n }));
    again.attach(hello.first - 1);
    await again.entry("turn:ended");
    expect(said).toBe(300);
  });

  it("gives the harness transcript, resume and options", async () => {
    const fake = fakeArchitecture(async () => {});
    await fixture.run(fake);
    const peer = await fixture.attached();
    await peer.ask("c1", { kind: "transcript:put", key: "main", lines: ["a", "b"] });
    await peer.ask("c2", { kind: "transcript:put", key: "main", lines: ["c"] });
    expect(await peer.ask("c3", { ...START, resume: "old" })).toMatchObject({
      data: { nativeSessionId: "old" },
    });
    expect([...fake.spec!.transcript]).toEqual([["main", ["a", "b", "c"]]]);
    await peer.ask("c4", { kind: "options", options: { model: "other" } });
    expect(fake.options).toEqual({ model: "other" });
  });

  it("bridges the harness to the gateway", async () => {
    const runner = await fixture.run(fakeArchitecture(async () => {}));
    const gateway = createServer((_, response) => response.end("gateway"));
    await new Promise<void>((resolve) => gateway.listen(join(fixture.folder, "gateway.sock"), resolve));
    expect(await (await fetch(runner.modelUrl)).text()).toBe("gateway");
    await new Promise((resolve) => gateway.close(resolve));
    rmSync(join(fixture.folder, "gateway.sock"), { force: true });
  });
});
