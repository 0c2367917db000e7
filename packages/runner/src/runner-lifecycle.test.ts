import { createHash } from "node:crypto";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { fakeArchitecture } from "./testing/fake-architecture.ts";
import type { FakeArchitecture } from "./testing/fake-architecture.ts";
import { FakeServer, until } from "./testing/fake-server.ts";
import { RunnerFixture, START, message } from "./testing/runner-fixture.ts";

let fixture: RunnerFixture;
beforeEach(async () => {
  fixture = new RunnerFixture();
  await fixture.server.listen();
});
afterEach(() => fixture.remove());

describe("a runner, at its start and at its end", () => {
  const badStarts: Record<string, { fake: FakeArchitecture; architecture?: string; code: string }> = {
    "an unknown architecture": {
      fake: fakeArchitecture(async () => {}),
      architecture: "other",
      code: "unknown_architecture",
    },
    "a harness that fails": {
      fake: fakeArchitecture(
        async () => {},
        async () => {
          throw new RuntimeError("missing_dependency", "no SDK");
        },
      ),
      code: "missing_dependency",
    },
    "a harness that breaks": {
      fake: fakeArchitecture(
        async () => {},
        async () => {
          throw new Error("spawn ENOENT");
        },
      ),
      code: "harness_failed",
    },
    "a harness that hangs": {
      fake: fakeArchitecture(
        async () => {},
        () => new Promise(() => {}),
      ),
      code: "harness_timeout",
    },
  };
  for (const [name, { fake, architecture = "fake", code }] of Object.entries(badStarts)) {
    it(`answers a start with ${name} by ${code}, and is there for the next command`, async () => {
      await fixture.run(fake, { startDeadlineMs: 50 });
      const peer = await fixture.attached();
      expect(await peer.ask("c1", { ...START, architecture })).toMatchObject({
        ok: false,
        error: { code },
      });
      expect(await peer.ask("c2", message("t1"))).toMatchObject({ ok: false, error: { code: "conflict" } });
      expect(await peer.ask("c3", { kind: "sync" })).toMatchObject({ ok: true });
    });
  }

  it("ends a harness that was ready only after its deadline", async () => {
    const late = Promise.withResolvers<void>();
    const fake = fakeArchitecture(
      async () => {},
      () => late.promise,
    );
    await fixture.run(fake, { startDeadlineMs: 20 });
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    late.resolve();
    await until(() => fake.calls.includes("stop"));
  });

  it("prepares its end: harness ended, workspace told, no turn taken any more; who connects learns it, and is told again", async () => {
    const fake = fakeArchitecture(async () => {});
    await fixture.run(fake);
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    writeFileSync(join(fixture.folder, "workspace/last"), "words");
    const reply = await peer.ask("c2", { kind: "prepare-end" });
    expect(fake.calls).toContain("stop");
    const words = createHash("sha256").update("words").digest("hex");
    const hash = createHash("sha256").update(["last", "file", "420", words].join("\0"));
    const report = reply.data as { last: number };
    expect(reply.data).toEqual({ last: 2, count: 1, manifest: hash.digest("hex") });
    await until(() => peer.entries.at(-1)?.n === report.last);
    expect(await peer.ask("c3", message("t1"))).toMatchObject({ ok: false, error: { code: "shutting_down" } });
    // What a person changes now belongs into the next sandbox.
    const refused = { ok: true, data: { last: 2, refused: "ending" } };
    const piece = { file: { path: "late" }, offset: 0, data: "", last: true };
    expect(await peer.ask("c3-write", { kind: "file:write", ...piece })).toMatchObject(refused);
    expect(await peer.ask("c3-remove", { kind: "file:remove", path: "last" })).toMatchObject(refused);
    peer.socket.destroy();
    await until(() => peer.closed);
    const later = await fixture.attached(2);
    expect(await later.frame("hello")).toMatchObject({ ending: true });
    expect((await later.ask("c4", { kind: "prepare-end" })).data).toEqual(reply.data);
    const list = await later.ask("c5", { kind: "list" });
    expect(list.data).toMatchObject({ files: [{ path: "last" }], more: false });
    expect(await later.ask("c6", { kind: "resend", blobs: [words] })).toMatchObject({ ok: true });
  });

  it("answers the same prepare-end to a later server, which gets what is not saved", async () => {
    await fixture.run(fakeArchitecture(async () => {}));
    const peer = await fixture.server.newest();
    peer.attach();
    await peer.ask("c1", START);
    await peer.ask("c2", { kind: "prepare-end" });
    peer.socket.destroy();
    await until(() => peer.closed);
    const later = await fixture.server.newest();
    later.attach(0);
    expect(await later.entry("harness:ready")).toBeDefined();
    expect(await later.ask("c2", { kind: "prepare-end" })).toMatchObject({ ok: true, data: { last: 1 } });
    later.send({ type: "ack", n: 1 });
  });

  it("refuses to prepare its end while a turn runs", async () => {
    const release = Promise.withResolvers<void>();
    await fixture.run(fakeArchitecture(() => release.promise));
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    await peer.ask("c2", message("t1"));
    expect(await peer.ask("c3", { kind: "prepare-end" })).toMatchObject({ ok: false, error: { code: "conflict" } });
    release.resolve();
    await peer.entry("turn:ended");
    expect(await peer.ask("c4", { kind: "prepare-end" })).toMatchObject({ ok: true });
  });

  it("stops with everything told: a running turn ends, an attached server gets its end", async () => {
    const fake = fakeArchitecture(async ({ interrupted }) => {
      await interrupted;
      return { status: "interrupted" };
    });
    const runner = await fixture.run(fake);
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    await peer.ask("c2", message("t1"));
    await runner.stop();
    await until(() => peer.closed);
    expect(peer.bodies.at(-1)).toMatchObject({ kind: "turn:ended", turnId: "t1" });
  });

  it("ends a turn that a crashed runner left open, and knows its commands and numbers", async () => {
    await fixture.run(fakeArchitecture(async ({ interrupted }) => void (await interrupted)));
    const peer = await fixture.attached();
    await peer.ask("c1", START);
    await peer.ask("c2", message("t1"));
    // What a crash at this instant would leave.
    cpSync(join(fixture.folder, "state"), join(fixture.folder, "state-after"), { recursive: true });
    const sockets = join(fixture.folder, "after");
    mkdirSync(sockets);
    const next = new FakeServer(join(sockets, "runner.sock"));
    await next.listen();
    const { workspace, home } = { workspace: join(fixture.folder, "w"), home: join(fixture.folder, "h") };
    const paths = { workspace, home, state: join(fixture.folder, "state-after"), sockets, packages: fixture.folder };
    await fixture.run(
      fakeArchitecture(async () => {}),
      { paths },
    );
    const second = await next.peer(0);
    expect(await second.frame("hello")).toMatchObject({ last: 2, fence: 1 });
    second.attach(1);
    const error = { code: "harness_failed" };
    expect(await second.entry("turn:ended")).toMatchObject({ turnId: "t1", status: "failed", error });
    expect(await second.ask("c2", message("t1"))).toMatchObject({ ok: true });
    expect(await second.ask("c3", message("t2"))).toMatchObject({ ok: false, error: { code: "conflict" } });
    await next.close();
  });

  it("is alone after a time without a server", async () => {
    const runner = await fixture.run(
      fakeArchitecture(async () => {}),
      { aloneMs: 60 },
    );
    await fixture.attached();
    await fixture.server.close();
    await runner.alone;
  });
});
