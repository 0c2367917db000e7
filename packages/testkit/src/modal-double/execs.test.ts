import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import type { Sandbox } from "modal";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, run, startCloud } from "./testing/cloud.ts";

let cloud: Cloud;
let sandbox: Sandbox;
beforeAll(async () => {
  cloud = await startCloud();
  sandbox = await cloud.sandbox({ env: { OF_SANDBOX: "s", BOTH: "s" }, timeoutMs: 600_000 });
});
afterAll(() => cloud.double.stop());

describe("a program", () => {
  it("takes its input and gives its outputs and its code, each by itself", async () => {
    const command = ["sh", "-c", "cat; echo wrong >&2; exit 7"];
    expect(await run(sandbox, command, "ein Gruß\n")).toEqual({ stdout: "ein Gruß\n", stderr: "wrong\n", code: 7 });
    expect((await run(sandbox, ["sh", "-c", "kill -TERM $$"])).code).toBe(128 + 15);
  });

  it("answers while its input is open", async () => {
    const cat = await sandbox.exec(["cat"]);
    const reader = cat.stdout.getReader();
    for (const word of ["one", "two", "three"]) {
      await cat.stdin.writeText(word);
      expect((await reader.read()).value).toBe(word);
    }
    await cat.stdin.close();
    expect((await reader.read()).done).toBe(true);
    expect(await cat.wait()).toBe(0);
  });

  it("gives large output whole, also to a reader that comes late", async () => {
    const command = ["sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x; echo end"];
    const process = await sandbox.exec(command, { mode: "binary" });
    expect(await process.wait()).toBe(0);
    const bytes = await process.stdout.readBytes();
    expect(bytes.length).toBe(20_000_004);
    expect(Buffer.from(bytes.subarray(-5)).toString()).toBe("xend\n");
  });

  it("takes large input whole, at the pace of the program", async () => {
    const input = Buffer.alloc(5_000_000, "0123456789abcdef-");
    const process = await sandbox.exec(["sh", "-c", "sleep 0.2; sha256sum"]);
    const writer = process.stdin.getWriter();
    for (let at = 0; at < input.length; at += 100_000) await writer.write(input.toString("latin1", at, at + 100_000));
    await writer.close();
    const expected = createHash("sha256").update(input).digest("hex");
    expect(await process.stdout.readText()).toBe(`${expected}  -\n`);
  });

  it("has the sandbox's environment and its own, the image's folder or its own", async () => {
    const process = await sandbox.exec(["sh", "-c", "echo $OF_SANDBOX $BOTH $OWN; pwd; echo $HOME; id -u"], {
      env: { OWN: "o", BOTH: "o" },
      workdir: "/tmp",
      secrets: [await cloud.client.secrets.fromObject({ UNUSED: "x" })],
    });
    expect(await process.stdout.readText()).toBe("s o o\n/tmp\n/root\n0\n");
  });

  it("has nothing of this machine's environment, and none of the double's options", async () => {
    const { stdout } = await run(sandbox, ["sh", "-c", "cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'"]);
    expect(stdout).toContain("OF_SANDBOX=s");
    expect(stdout).not.toContain(cloud.double.tokenSecret);
    expect(stdout).not.toContain(cloud.double.folder);
    expect(stdout).not.toContain(process.cwd());
  });

  it("is killed at its timeout", async () => {
    const process = await sandbox.exec(["sleep", "1000"], { timeoutMs: 2000 });
    // The SDK gives up at the same time as the cloud: whoever of them is first.
    await process.wait().then(
      (code) => expect(code).toBe(137),
      (error: Error) => expect(error.message).toMatch(/deadline/iu),
    );
    const programs = async () =>
      (await cloud.double.control.report()).sandboxes.flatMap((each) => each.programs.map((argv) => argv[0]));
    await expect.poll(programs, { timeout: 30_000 }).not.toContain("sleep");
  });

  it("that is not there does not start, nor one with too many arguments", async () => {
    await expect(sandbox.exec(["no-such-program"])).rejects.toThrow(/INVALID_ARGUMENT.*no-such-program/u);
    await expect(sandbox.exec(["echo", "a\0b"])).rejects.toThrow(/INVALID_ARGUMENT/u);
    await expect(sandbox.exec(["true"], { workdir: "/no/such/folder" })).rejects.toThrow(/INVALID_ARGUMENT/u);
    await expect(sandbox.exec(["echo", "x".repeat(2 ** 16)])).rejects.toThrow(/less than/u);
  });

  it("one after the other, many, leave nothing open in the double", async () => {
    const open = async (): Promise<number> => (await readdir(`/proc/${cloud.double.pid}/fd`)).length;
    const before = await open();
    for (let count = 0; count < 20; count += 1) await run(sandbox, ["echo", String(count)]);
    await expect.poll(open).toBeLessThanOrEqual(before);
  });

  it("shares processes and files with the others, and cannot write to this machine's programs", async () => {
    const sleeper = await sandbox.exec(["sleep", "4321"]);
    expect((await run(sandbox, ["pgrep", "-f", "sleep 4321"])).code).toBe(0);
    await run(sandbox, ["pkill", "-f", "sleep 4321"]);
    expect(await sleeper.wait()).toBe(128 + 15);
    await run(sandbox, ["sh", "-c", "mkdir -p /workspace /usr/local/x && echo 1 > /workspace/a && echo 2 > /etc/b"]);
    expect((await run(sandbox, ["cat", "/workspace/a", "/etc/b"])).stdout).toBe("1\n2\n");
    expect((await run(sandbox, ["touch", "/usr/bin/x"])).stderr).toContain("Read-only");
  });
});
