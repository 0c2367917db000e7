import { createHash, randomBytes } from "node:crypto";
import {
  type FileWatchEvent,
  type Sandbox,
  SandboxFilesystemDirectoryNotEmptyError,
  SandboxFilesystemIsADirectoryError,
  SandboxFilesystemNotADirectoryError,
  SandboxFilesystemNotFoundError,
  SandboxFilesystemPathAlreadyExistsError,
} from "modal";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, run, startCloud } from "./testing/cloud.ts";

let cloud: Cloud;
let sandbox: Sandbox;
beforeAll(async () => {
  cloud = await startCloud();
  sandbox = await cloud.sandbox({ timeoutMs: 600_000 });
});
afterAll(() => cloud.double.stop());

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("files, through the SDK", () => {
  it("8 MiB of any bytes go in and come out as they were", async () => {
    const bytes = randomBytes(8 * 1024 * 1024);
    await sandbox.filesystem.writeBytes(bytes, "/workspace/deep/large");
    expect(hash(await sandbox.filesystem.readBytes("/workspace/deep/large"))).toBe(hash(bytes));
    expect((await run(sandbox, ["sha256sum", "/workspace/deep/large"])).stdout).toContain(hash(bytes));
  });

  it("a write that goes on keeps what was there until it is whole", async () => {
    await sandbox.filesystem.writeText("before", "/workspace/steady");
    const tool = ["/__modal/.bin/modal-sandbox-fs-tools", JSON.stringify({ WriteFile: { path: "/workspace/steady" } })];
    const writing = await sandbox.exec(tool);
    await writing.stdin.writeText("aft");
    expect(await sandbox.filesystem.readText("/workspace/steady")).toBe("before");
    await writing.stdin.writeText("er");
    await writing.stdin.close();
    expect(await writing.wait()).toBe(0);
    expect(await sandbox.filesystem.readText("/workspace/steady")).toBe("after");
  });

  it("folders are made, listed and removed, and a link is told as one", async () => {
    await sandbox.filesystem.makeDirectory("/workspace/list/inner");
    await sandbox.filesystem.writeText("12345", "/workspace/list/b");
    await run(sandbox, ["sh", "-c", "ln -s b /workspace/list/a; chmod 750 /workspace/list/b"]);
    const entries = await sandbox.filesystem.listFiles("/workspace/list");
    expect(entries.map(({ name, type, symlinkTarget }) => [name, type, symlinkTarget])).toEqual([
      ["a", "symlink", "b"],
      ["b", "file", null],
      ["inner", "directory", null],
    ]);
    expect(await sandbox.filesystem.stat("/workspace/list/b")).toMatchObject({
      path: "/workspace/list/b",
      size: 5,
      mode: 0o750,
      permissions: "rwxr-x---",
      owner: "root",
    });
    await sandbox.filesystem.remove("/workspace/list/inner");
    await sandbox.filesystem.remove("/workspace/list", { recursive: true });
    await expect(sandbox.filesystem.stat("/workspace/list")).rejects.toThrow(SandboxFilesystemNotFoundError);
  });

  it("errors are the SDK's own", async () => {
    const { filesystem } = sandbox;
    await filesystem.makeDirectory("/workspace/errors/inner");
    await filesystem.writeText("", "/workspace/errors/file");
    await expect(filesystem.readBytes("/workspace/no")).rejects.toThrow(SandboxFilesystemNotFoundError);
    await expect(filesystem.readBytes("/workspace/errors")).rejects.toThrow(SandboxFilesystemIsADirectoryError);
    await expect(filesystem.writeText("", "/workspace/errors")).rejects.toThrow(SandboxFilesystemIsADirectoryError);
    await expect(filesystem.writeText("", "/workspace/errors/file/x")).rejects.toThrow(
      SandboxFilesystemNotADirectoryError,
    );
    await expect(filesystem.listFiles("/workspace/errors/file")).rejects.toThrow(SandboxFilesystemNotADirectoryError);
    await expect(filesystem.remove("/workspace/errors")).rejects.toThrow(SandboxFilesystemDirectoryNotEmptyError);
    await expect(filesystem.makeDirectory("/workspace/errors/inner", { createParents: false })).rejects.toThrow(
      SandboxFilesystemPathAlreadyExistsError,
    );
  });

  it("a folder is watched", async () => {
    await sandbox.filesystem.makeDirectory("/workspace/watched");
    const events: FileWatchEvent[] = [];
    const watching = (async () => {
      for await (const event of sandbox.filesystem.watch("/workspace/watched")) {
        events.push(event);
        if (event.eventType === "Remove") return;
      }
    })();
    // The watch has no sign that it has begun: so it is given something to see until it has seen the end.
    const over = new AbortController();
    const acting = (async () => {
      while (!over.signal.aborted)
        await run(sandbox, ["sh", "-c", "echo x > /workspace/watched/f; rm /workspace/watched/f"]);
    })();
    await watching;
    over.abort();
    await acting;
    expect(events.at(-1)).toEqual({ eventType: "Remove", paths: ["/workspace/watched/f"] });
  });
});
