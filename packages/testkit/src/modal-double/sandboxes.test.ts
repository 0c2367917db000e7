import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { AlreadyExistsError, NotFoundError, type Sandbox } from "modal";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, run, startCloud } from "./testing/cloud.ts";

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.double.stop());

const idsOf = async (sandboxes: AsyncIterable<Sandbox>): Promise<string[]> => {
  const ids: string[] = [];
  for await (const { sandboxId } of sandboxes) ids.push(sandboxId);
  return ids;
};

describe("finding a sandbox again", () => {
  it("is found by its id and by its name, from another client, and has kept its files", async () => {
    const sandbox = await cloud.sandbox({ name: "again", workdir: "/root" });
    await run(sandbox, ["sh", "-c", "echo kept > kept"]);
    const other = cloud.anotherClient();
    const byId = await other.sandboxes.fromId(sandbox.sandboxId);
    expect(await byId.poll()).toBeNull();
    expect(await run(byId, ["cat", "/root/kept"])).toEqual({ stdout: "kept\n", stderr: "", code: 0 });
    const byName = await other.sandboxes.fromName("tests", "again");
    expect(byName.sandboxId).toBe(sandbox.sandboxId);
    await sandbox.terminate();
  });

  it("has its name alone among those of its app that run", async () => {
    const first = await cloud.sandbox({ name: "only" });
    await expect(cloud.sandbox({ name: "only" })).rejects.toThrow(AlreadyExistsError);
    const otherApp = await cloud.client.apps.fromName("other", { createIfMissing: true });
    const elsewhere = await cloud.client.sandboxes.create(otherApp, cloud.image, { name: "only" });
    await first.terminate();
    await expect(cloud.client.sandboxes.fromName("tests", "only")).rejects.toThrow(NotFoundError);
    const second = await cloud.sandbox({ name: "only" });
    expect((await cloud.client.sandboxes.fromName("tests", "only")).sandboxId).toBe(second.sandboxId);
    await Promise.all([second.terminate(), elsewhere.terminate()]);
  });

  it("is listed by tags, page after page, as long as it runs", async () => {
    const tags = { deployment: "d1" };
    const made = await Promise.all(
      [...Array(3).keys()].map((number) => cloud.sandbox({ tags: { ...tags, number: String(number) } })),
    );
    const { appId } = cloud.app;
    const listed = await idsOf(cloud.client.sandboxes.list({ appId, tags }));
    expect(listed.toSorted()).toEqual(made.map(({ sandboxId }) => sandboxId).toSorted());
    expect(await idsOf(cloud.client.sandboxes.list({ appId, tags: { ...tags, number: "1" } }))).toEqual([
      made[1]!.sandboxId,
    ]);
    await made[1]!.setTags({ ...tags, number: "9" });
    expect(await made[1]!.getTags()).toEqual({ deployment: "d1", number: "9" });
    expect(await idsOf(cloud.client.sandboxes.list({ appId, tags: { number: "1" } }))).toEqual([]);
    await Promise.all(made.map((sandbox) => sandbox.terminate()));
    expect(await idsOf(cloud.client.sandboxes.list({ appId, tags }))).toEqual([]);
  });
});

describe("the end of a sandbox", { timeout: 120_000 }, () => {
  it("terminate ends every program in it, more than once without harm, and its disk goes", async () => {
    const sandbox = await cloud.sandbox();
    const sleeper = await sandbox.exec(["sh", "-c", "sleep 1000 & echo $!; wait"]);
    const reader = sleeper.stdout.getReader();
    await reader.read();
    await sandbox.terminate();
    expect(await sandbox.wait()).toBe(137);
    expect(await sleeper.wait()).toBe(137);
    expect((await reader.read()).done).toBe(true);
    await sandbox.terminate();
    expect(await sandbox.poll()).toBe(137);
    await expect(sandbox.exec(["true"])).rejects.toThrow(/NOT_FOUND/u);
  });

  it("its timeout ends it", async () => {
    const sandbox = await cloud.sandbox({ timeoutMs: 1000 });
    expect(await sandbox.wait()).toBe(124);
    const { sandboxes } = await cloud.double.control.report();
    expect(sandboxes.find(({ sandboxId }) => sandboxId === sandbox.sandboxId)!.state).toBe("timeout");
  });

  it("its idle timeout ends it when no program of it runs, and not before", async () => {
    const sandbox = await cloud.sandbox({ idleTimeoutMs: 3000, command: ["sleep", "1000"] });
    const cat = await sandbox.exec(["cat"]);
    const idle = await cloud.sandbox({ idleTimeoutMs: 3000 });
    expect(await idle.wait()).toBe(0);
    // The idle one began later and has ended: the time has passed for the busy one too.
    expect(await sandbox.poll()).toBeNull();
    await cat.stdin.close();
    expect(await cat.wait()).toBe(0);
    expect(await sandbox.wait()).toBe(0);
  });

  it("its own command's end is its end, with its code; what it says is there", async () => {
    const sandbox = await cloud.sandbox({ command: ["sh", "-c", "read line; echo got $line; exit 4"] });
    await sandbox.stdin.writeText("it\n");
    expect(await sandbox.stdout.readText()).toBe("got it\n");
    expect(await sandbox.wait()).toBe(4);
  });

  it("the double's end is the end of its sandboxes, also when it is killed", async () => {
    const other = await startCloud();
    const sandbox = await other.sandbox();
    const { stdout } = await run(sandbox, ["sh", "-c", "(sleep 987654 </dev/null >/dev/null 2>&1 & ) ; echo ok"]);
    expect(stdout).toBe("ok\n");
    const inside = childrenOf(other.double.pid);
    expect(inside.length).toBeGreaterThan(0);
    process.kill(other.double.pid, "SIGKILL");
    await expect.poll(() => inside.filter((pid) => existsSync(`/proc/${pid}`)), { timeout: 30_000 }).toEqual([]);
    await other.double.stop();
    expect(existsSync(other.double.folder)).toBe(false);
  });
});

/** Of a process: its children, and theirs. */
function childrenOf(pid: number): string[] {
  const own = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  return own.flatMap((child) => [child, ...childrenOf(Number(child))]);
}

describe("what a sandbox may use", { timeout: 120_000 }, () => {
  it("is an ordinary user's, when the double is", async (context) => {
    if (process.getuid?.() !== 0)
      context.skip("only root may choose another user; the double is an ordinary user's here");
    await using other = await startCloud({ uid: 65_534 });
    const sandbox = await other.sandbox();
    expect((await run(sandbox, ["id", "-u"])).stdout).toBe("0\n");
    await sandbox.exec(["sleep", "1000"]);
    const inside = childrenOf(other.double.pid);
    expect(inside.length).toBeGreaterThan(2);
    const owners = inside.map((pid) => /^Uid:\t(\d+)/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
    expect(new Set(owners)).toEqual(new Set(["65534"]));
    const snapshot = await sandbox.snapshotFilesystem();
    const again = await other.client.sandboxes.create(other.app, snapshot);
    expect((await run(again, ["echo", "well"])).stdout).toBe("well\n");
  });

  it("has no network, whatever it was allowed; what was asked for is in the report", async () => {
    const sandbox = await cloud.sandbox({
      blockNetwork: true,
      cpu: 0.5,
      memoryMiB: 256,
      regions: ["eu"],
      timeoutMs: 60_000,
    });
    const open = await cloud.sandbox();
    for (const each of [sandbox, open]) {
      const { stdout } = await run(each, ["sh", "-c", "cat /proc/net/dev | grep -c ':'; cat /proc/net/route | wc -l"]);
      expect(stdout).toBe("1\n1\n");
    }
    const report = async () =>
      (await cloud.double.control.report()).sandboxes.find((s) => s.sandboxId === sandbox.sandboxId)!;
    expect(await report()).toMatchObject({
      state: "running",
      definition: {
        timeoutSecs: 60,
        resources: { milliCpu: 500, memoryMb: 256 },
        schedulerPlacement: { regions: ["eu"] },
      },
      networkAccess: { networkAccessType: 2 },
    });
    await sandbox.updateNetworkPolicy({ outboundCidrAllowlist: [], outboundDomainAllowlist: ["example.com"] });
    expect((await report()).networkAccess).toMatchObject({ networkAccessType: 3, allowedDomains: ["example.com"] });
    await Promise.all([sandbox.terminate(), open.terminate()]);
  });

  it("has the memory and the processes that it asked for, and its neighbour does not notice", async (context) => {
    const [small, neighbour] = await Promise.all([
      cloud.sandbox({ memoryMiB: 128, memoryLimitMiB: 192, timeoutMs: 600_000 }),
      cloud.sandbox({ timeoutMs: 600_000 }),
    ]);
    const { sandboxes } = await cloud.double.control.report();
    const held = sandboxes.find(({ sandboxId }) => sandboxId === small.sandboxId)!.limited;
    if (!held) context.skip("this user may not make control groups on this machine");
    const hungry = [
      "node",
      "-e",
      "const a = []; for (let i = 0; i < 400; i++) a.push(Buffer.alloc(1 << 20, 1)); console.log('ate')",
    ];
    expect(await run(neighbour, hungry)).toMatchObject({ stdout: "ate\n", code: 0 });
    expect((await run(small, hungry).catch((error: Error) => ({ stdout: error.message }))).stdout).not.toContain("ate");
    const many = "i=0; while [ $i -lt 600 ]; do sleep 600 <&- >/dev/null 2>&1 & i=$((i+1)); done";
    const bomb = await run(neighbour, ["sh", "-c", many]);
    expect(bomb.code).not.toBe(0);
    expect(bomb.stderr).toMatch(/fork/iu);
    expect(await run(await cloud.sandbox(), ["echo", "well"])).toMatchObject({ stdout: "well\n" });
    await Promise.all([small.terminate(), neighbour.terminate()]);
  });

  it("with a GPU it is one of Modal's first kind, with the same calls", async () => {
    const sandbox = await cloud.sandbox({ gpu: "A10G", name: "gpu", tags: { kind: "gpu" } });
    expect(sandbox.sandboxId).toMatch(/^sb-\w{22}$/u);
    const { sandboxes } = await cloud.double.control.report();
    const { definition } = sandboxes.find(({ sandboxId }) => sandboxId === sandbox.sandboxId)!;
    expect(definition).toMatchObject({ resources: { gpuConfig: { gpuType: "A10G", count: 1 } } });
    expect(await run(sandbox, ["echo", "on it"])).toMatchObject({ stdout: "on it\n", code: 0 });
    expect(await sandbox.getTags()).toEqual({ kind: "gpu" });
    expect((await cloud.client.sandboxes.fromName("tests", "gpu")).sandboxId).toBe(sandbox.sandboxId);
    await sandbox.terminate();
    expect(await sandbox.wait()).toBe(137);
  });

  it("a port is reached through a tunnel", async () => {
    const sandbox = await cloud.sandbox({ unencryptedPorts: [8000] });
    const server = "require('net').createServer((s) => s.end('from inside')).listen(8000, () => console.log('on'))";
    const listening = await sandbox.exec(["node", "-e", server]);
    await listening.stdout.getReader().read();
    const tunnels = await sandbox.tunnels();
    const [host, port] = tunnels[8000]!.tcpSocket;
    const socket = connect(port, host);
    await once(socket, "connect");
    expect(await text(socket)).toBe("from inside");
    await sandbox.terminate();
  });
});

describe("what the double does not do", () => {
  it("calls that it does not have fail, and are noted", async () => {
    await expect(cloud.client.volumes.fromName("data", { createIfMissing: true })).rejects.toThrow(/UNIMPLEMENTED/u);
    expect((await cloud.double.control.report()).unknownCalls).toContain("VolumeGetOrCreate");
  });

  it("options that it does not carry out fail", async () => {
    await expect(cloud.sandbox({ inboundCidrAllowlist: ["10.0.0.0/8"] })).rejects.toThrow(/inboundCidrAllowlist/u);
    await expect(cloud.sandbox({ experimentalEnableSnapshot: true })).rejects.toThrow(/enableSnapshot/u);
    await expect(cloud.sandbox({ outboundCidrAllowlist: ["not-an-ip/8"] })).rejects.toThrow(/Invalid CIDR/u);
    await expect(cloud.sandbox({ timeoutMs: 25 * 3_600_000 })).rejects.toThrow(/timeout_secs/u);
  });

  it("an app that is not there is not made up, and an id that is not there is not found", async () => {
    await expect(cloud.client.apps.fromName("nowhere")).rejects.toThrow(NotFoundError);
    const nobody = await cloud.client.sandboxes.fromId(`sb-${"0".repeat(26)}`);
    await expect(nobody.poll()).rejects.toThrow(/NOT_FOUND/u);
  });

  it("a wrong token is refused", async () => {
    const stranger = cloud.anotherClient({ tokenId: cloud.double.tokenId, tokenSecret: "wrong" });
    await expect(stranger.apps.fromName("tests")).rejects.toThrow(/UNAUTHENTICATED/u);
  });
});
