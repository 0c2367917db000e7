import type { Sandbox } from "modal";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, run, startCloud } from "./testing/cloud.ts";

let cloud: Cloud;
let sandbox: Sandbox;
beforeAll(async () => {
  cloud = await startCloud({ tokenId: "ak-own", tokenSecret: "as-own" });
  sandbox = await cloud.sandbox({ timeoutMs: 600_000 });
});
afterEach(() => cloud.double.control.clear());
afterAll(() => cloud.double.stop());

const callsOf = async (method: string): Promise<number> => (await cloud.double.control.report()).calls[method] ?? 0;
const faultsLeft = async (): Promise<number> => (await cloud.double.control.report()).faults;

describe("calls that fail", () => {
  it("UNAVAILABLE for some calls: the SDK tries again, and it passes", async () => {
    const before = await callsOf("SandboxTagsGetV2");
    await cloud.double.control.inject({ kind: "fail", method: "SandboxTagsGetV2", code: "UNAVAILABLE", times: 2 });
    expect(await sandbox.getTags()).toEqual({});
    expect(await callsOf("SandboxTagsGetV2")).toBe(before + 3);
    expect(await faultsLeft()).toBe(0);
  });

  it("UNAVAILABLE for more calls than the SDK tries: it says so, and nothing was done", async () => {
    await cloud.double.control.inject({ kind: "fail", method: "SandboxCreateV2", code: "UNAVAILABLE", times: 100 });
    await expect(cloud.sandbox({ name: "never" })).rejects.toThrow(/UNAVAILABLE/u);
    const { sandboxes } = await cloud.double.control.report();
    expect(sandboxes.filter(({ name }) => name === "never")).toEqual([]);
  });

  it("the whole cloud away, and back", async () => {
    await cloud.double.control.inject({ kind: "fail", method: "*", code: "UNAVAILABLE", times: 1_000_000 });
    await expect(sandbox.poll()).rejects.toThrow(/UNAVAILABLE/u);
    await cloud.double.control.clear();
    expect(await sandbox.poll()).toBeNull();
  });

  it("throttled, as Modal throttles: the SDK waits as long as it is told", async () => {
    const throttle = { kind: "fail", method: "SandboxTagsGetV2", code: "RESOURCE_EXHAUSTED" } as const;
    await cloud.double.control.inject({ ...throttle, retryAfterSeconds: 0.1, times: 2 });
    const before = await callsOf("SandboxTagsGetV2");
    expect(await sandbox.getTags()).toEqual({});
    expect(await callsOf("SandboxTagsGetV2")).toBe(before + 3);
    // Without the retry policy it is an error like another.
    await cloud.double.control.inject(throttle);
    await expect(sandbox.getTags()).rejects.toThrow(/RESOURCE_EXHAUSTED/u);
  });

  it("a token pair that is taken back, and given again", async () => {
    expect(cloud.double).toMatchObject({ tokenId: "ak-own", tokenSecret: "as-own" });
    await cloud.double.control.revokeCredentials(true);
    await expect(sandbox.getTags()).rejects.toThrow(/UNAUTHENTICATED/u);
    await cloud.double.control.revokeCredentials(false);
    expect(await sandbox.getTags()).toEqual({});
  });

  it("tokens that have expired: the SDK gets new ones, for calls and for a sandbox's router", async () => {
    await cloud.double.control.setTokenLifetime(1);
    const client = cloud.anotherClient();
    const own = await client.sandboxes.fromId(sandbox.sandboxId);
    expect((await run(own, ["echo", "first"])).stdout).toBe("first\n");
    const before = await callsOf("SandboxGetCommandRouterAccess");
    const expired = Date.now() + 2000;
    await expect.poll(() => Date.now() > expired, { timeout: 10_000 }).toBe(true);
    await cloud.double.control.setTokenLifetime(3600);
    expect((await run(own, ["echo", "second"])).stdout).toBe("second\n");
    expect(await own.getTags()).toEqual({});
    expect(await callsOf("SandboxGetCommandRouterAccess")).toBe(before + 1);
  });

  it("a call that is delayed is late, and not lost", async () => {
    await cloud.double.control.inject({ kind: "delay", method: "SandboxTagsGetV2", ms: 300 });
    let quick = false;
    const slow = sandbox.getTags();
    await cloud.client.apps.fromName("tests").then(() => (quick = true));
    expect(quick).toBe(true);
    expect(await slow).toEqual({});
    expect(await faultsLeft()).toBe(0);
  });
});

describe("replies that are lost", () => {
  it("a creation that succeeded and was not answered: it is there, by its name", async () => {
    await cloud.double.control.inject({ kind: "lose-reply", method: "SandboxCreateV2", times: 1 });
    // The SDK tries again by itself, and the name is taken: by what it made.
    await expect(cloud.sandbox({ name: "made" })).rejects.toThrow(/already exists/u);
    const found = await cloud.client.sandboxes.fromName("tests", "made");
    expect((await run(found, ["echo", "here"])).stdout).toBe("here\n");
    await found.terminate();
  });

  it("one that is never answered", async () => {
    await cloud.double.control.inject({ kind: "lose-reply", method: "SandboxCreateV2", hang: true });
    let answered = false;
    void cloud.sandbox({ name: "silent" }).finally(() => (answered = true));
    const lookUp = () =>
      cloud.client.sandboxes.fromName("tests", "silent").then(
        () => true,
        () => false,
      );
    await expect.poll(lookUp, { timeout: 30_000 }).toBe(true);
    expect(answered).toBe(false);
    await (await cloud.client.sandboxes.fromName("tests", "silent")).terminate();
  });
});

describe("streams that break", () => {
  it("at an offset, in the middle of a message: the SDK goes on from there, and nothing is lost or doubled", async () => {
    const expected = [...Array(50_000).keys()].map((number) => `${number + 1}\n`).join("");
    for (const offset of [0, 1, 12_345, expected.length - 1]) {
      await cloud.double.control.inject({ kind: "drop-stream", stream: "stdout", offset, command: "seq" });
    }
    const { stdout, code } = await run(sandbox, ["seq", "50000"]);
    expect(stdout === expected).toBe(true);
    expect(code).toBe(0);
    expect(await faultsLeft()).toBe(0);
  });

  it("only of the program that was named", async () => {
    await cloud.double.control.inject({ kind: "drop-stream", stream: "stdout", offset: 0, command: "other" });
    expect((await run(sandbox, ["echo", "mine"])).stdout).toBe("mine\n");
    expect(await faultsLeft()).toBe(1);
  });

  it("of the input: a file arrives whole all the same", async () => {
    const bytes = Buffer.alloc(3_000_000, "abcdefg");
    await cloud.double.control.inject({ kind: "drop-stream", stream: "stdin", offset: 1_000_001 });
    await sandbox.filesystem.writeBytes(bytes, "/workspace/broken");
    expect(Buffer.compare(Buffer.from(await sandbox.filesystem.readBytes("/workspace/broken")), bytes)).toBe(0);
    expect(await callsOf("TaskExecStdinStatus")).toBe(1);
    expect(await faultsLeft()).toBe(0);
  });

  it("all that are open, at once", async () => {
    const cat = await sandbox.exec(["cat"]);
    const reader = cat.stdout.getReader();
    await cat.stdin.writeText("before");
    expect((await reader.read()).value).toBe("before");
    const reads = await callsOf("TaskExecStdioRead");
    const next = reader.read();
    await cloud.double.control.breakStreams();
    await expect.poll(() => callsOf("TaskExecStdioRead"), { timeout: 30_000 }).toBeGreaterThan(reads);
    await cat.stdin.writeText("after");
    expect((await next).value).toBe("after");
    await cat.stdin.close();
    expect(await cat.wait()).toBe(0);
  });
});

describe("a sandbox that vanishes", () => {
  it("is not found by anything, and its streams break for good", async () => {
    const lost = await cloud.sandbox({ name: "lost", tags: { of: "lost" } });
    const cat = await lost.exec(["cat"]);
    await cat.stdin.writeText("x");
    const reader = cat.stdout.getReader();
    await reader.read();
    await cloud.double.control.vanish(lost.sandboxId);
    await expect(lost.poll()).rejects.toThrow(/NOT_FOUND/u);
    await expect(cloud.client.sandboxes.fromName("tests", "lost")).rejects.toThrow(/not found/u);
    await expect(lost.exec(["true"])).rejects.toThrow(/NOT_FOUND/u);
    await expect(reader.read()).rejects.toThrow(/NOT_FOUND/u);
    await expect(cat.wait()).rejects.toThrow(/NOT_FOUND/u);
    for await (const { sandboxId } of cloud.client.sandboxes.list({ appId: cloud.app.appId })) {
      expect(sandboxId).not.toBe(lost.sandboxId);
    }
  });
});
