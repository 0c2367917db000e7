import type { Duplex } from "node:stream";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { Sandbox, SandboxProvider } from "../port.ts";
import { WITHOUT_END, listenInside, testSpec } from "../testing/inside.ts";
import { onDouble } from "./testing/on-double.ts";
import type { OnDouble } from "./testing/on-double.ts";

const WAIT = { timeout: 25_000, interval: 50 };
// Images are copied, and the SDK has pauses of its own.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let on: OnDouble;
beforeAll(async () => {
  on = await onDouble();
});
afterEach(() => on.double.control.clear());
afterAll(() => on.close());

function create(provider: SandboxProvider, key: string): Promise<Sandbox> {
  return provider.create(testSpec(key), WITHOUT_END);
}

async function named(key: string): Promise<string[]> {
  const { sandboxes } = await on.double.control.report();
  return sandboxes
    .filter(({ tags, state }) => tags["key"] === key && state === "running")
    .map((each) => each.sandboxId);
}

/** Streams of the runner's channel, as they come. */
async function accepted(sandbox: Sandbox): Promise<Duplex[]> {
  const streams: Duplex[] = [];
  await sandbox.accept("runner", (stream) => streams.push(stream));
  await vi.waitFor(() => expect(streams.length).toBeGreaterThan(0), WAIT);
  return streams;
}

test("a creation that times out after it was done is found again, and there is one sandbox", async () => {
  await on.double.control.inject({ kind: "lose-reply", method: "SandboxCreateV2", times: 5 });
  const sandbox = await create(on.provider(), "late");
  expect(await named("late")).toEqual([sandbox.id]);
  expect(await (await listenInside(sandbox)).shell("echo here")).toBe("here\n");
  await sandbox.terminate();
});

test("one key is one sandbox, from however many servers it is asked for", async () => {
  const made = await Promise.all([on.provider(), on.provider(), on.provider()].map((each) => create(each, "one")));
  expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  expect(await named("one")).toEqual([made[0]?.id]);
  await made[0]?.terminate();
});

test("a creation that is given up leaves nothing behind", async () => {
  const provider = on.provider();
  await (await create(provider, "image")).terminate();
  await on.double.control.inject({ kind: "delay", method: "SandboxCreateV2", ms: 1000 });
  const stop = new AbortController();
  const given = provider.create(testSpec("given-up"), {
    signal: stop.signal,
    onProgress: (message) => {
      if (message.startsWith("Starting")) setImmediate(() => stop.abort(new Error("enough")));
    },
  });
  await expect(given).rejects.toThrow("enough");
  const ended = async (): Promise<void> => {
    const { sandboxes } = await on.double.control.report();
    expect(sandboxes.find(({ tags }) => tags["key"] === "given-up")?.state).toBe("terminated");
  };
  await vi.waitFor(ended, WAIT);
});

test("throttled: it is tried again, and what does not pass is said", async () => {
  const provider = on.provider();
  await on.double.control.inject({ kind: "fail", method: "SandboxCreateV2", code: "RESOURCE_EXHAUSTED", times: 2 });
  const sandbox = await create(provider, "throttled");
  const before = (await on.double.control.report()).calls["SandboxCreateV2"] ?? 0;
  await on.double.control.inject({ kind: "fail", method: "SandboxCreateV2", code: "RESOURCE_EXHAUSTED", times: 99 });
  await expect(create(provider, "never")).rejects.toMatchObject({
    code: "sandbox_unavailable",
    message: expect.stringContaining("no room"),
  });
  const after = (await on.double.control.report()).calls["SandboxCreateV2"] ?? 0;
  expect(after - before).toBeLessThan(10);
  await sandbox.terminate();
});

test("the line's stream breaks: the runner dials again through the next bridge", async () => {
  const sandbox = await create(on.provider(), "broken");
  const streams = await accepted(sandbox);
  // The SDK takes such a stream up again, ten times on end; then the line is opened anew.
  await on.double.control.inject({ kind: "fail", method: "TaskExecStdioRead", code: "UNAVAILABLE", times: 11 });
  await on.double.control.breakStreams();
  await vi.waitFor(() => expect(streams.filter((stream) => !stream.destroyed)).toHaveLength(1), WAIT);
  await vi.waitFor(() => expect(streams.length).toBeGreaterThan(1), WAIT);
  expect(await sandbox.status()).toBe("running");
  await sandbox.terminate();
});

test("streams that are cut and taken up again lose and double nothing", async () => {
  const sandbox = await create(on.provider(), "offsets");
  const inside = await listenInside(sandbox);
  for (const offset of [1000, 100_000, 333_333]) {
    await on.double.control.inject({ kind: "drop-stream", stream: "stdout", offset, command: "bridge.mjs" });
  }
  const numbers = await inside.run("return Array.from({ length: 100_000 }, (_, index) => index)");
  expect(numbers).toEqual(Array.from({ length: 100_000 }, (_, index) => index));
  expect((await on.double.control.report()).faults).toBe(0);
  await sandbox.terminate();
});

test("Modal cannot be reached: not gone; and back again", async () => {
  const provider = on.provider();
  const sandbox = await create(provider, "away");
  await on.double.control.inject({ kind: "fail", method: "SandboxWaitV2", code: "UNAVAILABLE", times: 1000 });
  expect(await sandbox.status()).toBe("unreachable");
  await expect(on.provider().attach(sandbox.ref)).rejects.toMatchObject({ code: "sandbox_unavailable" });
  await on.double.control.clear();
  expect(await sandbox.status()).toBe("running");
  await sandbox.terminate();
});

test("credentials that expire: said as such, and not taken for a sandbox's end", async () => {
  const provider = on.provider();
  const sandbox = await create(provider, "expired");
  await on.double.control.revokeCredentials(true);
  await expect(on.provider().attach(sandbox.ref)).rejects.toMatchObject({ code: "sandbox_credentials" });
  await expect(create(on.provider(), "other")).rejects.toMatchObject({ code: "sandbox_credentials" });
  expect(await sandbox.status()).not.toBe("gone");
  await on.double.control.revokeCredentials(false);
  expect((await on.provider().attach(sandbox.ref))?.id).toBe(sandbox.id);
  await sandbox.terminate();
});

test("a sandbox that vanishes is gone, and says so by itself", async () => {
  const provider = on.provider();
  const sandbox = await create(provider, "vanished");
  const streams = await accepted(sandbox);
  await on.double.control.vanish(sandbox.id);
  expect((await sandbox.ended).reason).toContain("does not have it any more");
  expect(streams.every((stream) => stream.destroyed)).toBe(true);
  expect(await sandbox.status()).toBe("gone");
  expect(await on.provider().attach(sandbox.ref)).toBeNull();
  await sandbox.terminate();
});

test("a sandbox ends at its time limit, and the reason says so; it says beforehand when to leave it", async () => {
  const before = Date.now();
  const sandbox = await create(on.provider({ timeoutMs: 4000 }), "short");
  expect(sandbox.moveAfter).toBeGreaterThan(before);
  expect(sandbox.moveAfter).toBeLessThanOrEqual(Date.now() + 3000);
  await accepted(sandbox);
  expect((await sandbox.ended).reason).toContain("time limit");
});

test("the runner's end is the sandbox's, with its exit code", async () => {
  const sandbox = await create(on.provider(), "ends");
  const inside = await listenInside(sandbox);
  inside.run("process.exit(7)").catch(() => undefined);
  expect((await sandbox.ended).reason).toContain("exit code 7");
});

test("hosts beside the gateway are Modal's allowlist, also later; a snapshot is an image", async () => {
  const sandbox = await create(on.provider({ allowedHosts: ["*.example.com", "192.0.2.0/24"] }), "hosts");
  const access = async (): Promise<unknown> =>
    (await on.double.control.report()).sandboxes.find(({ sandboxId }) => sandboxId === sandbox.id)?.networkAccess;
  const allowed = { networkAccessType: 3, allowedDomains: ["*.example.com"], allowedCidrs: ["192.0.2.0/24"] };
  expect(await access()).toMatchObject(allowed);
  await sandbox.setNetwork?.({ allowedHosts: ["example.org"] });
  expect(await access()).toMatchObject({ networkAccessType: 3, allowedDomains: ["example.org"], allowedCidrs: [] });
  const snapshot = await sandbox.snapshot?.();
  const { images } = await on.double.control.report();
  expect(images.map(({ imageId }) => imageId)).toContain(snapshot?.id);
  await sandbox.terminate();
});
