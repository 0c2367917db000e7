import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import type { FileEntry } from "@hhopkins/agent-runtime";
import { execFile } from "node:child_process";
import { mkdtemp, readlink, rm, stat, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { corruptingPersistence, type CorruptingPersistence } from "../testing/corrupting-store.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

const run = promisify(execFile);
const MAX_FILE_BYTES = 400_000;

let bench: RuntimeUnderTest;
let kept: CorruptingPersistence;
let folder: string;
beforeAll(async () => {
  kept = corruptingPersistence(memoryPersistence());
  bench = await startRuntime({ persistence: kept.adapter, maxFileBytes: MAX_FILE_BYTES });
  folder = await mkdtemp(join(tmpdir(), "agent-runtime-zip-"));
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function workspace(...commands: string[]): Promise<string> {
  const id = await bench.create();
  const state = await bench.turn(id, prompt("make", { tools: [bash(commands.join("; "))] }, { text: "made" }));
  expect(state.blocks.findLast(({ type }) => type === "tool_use")).toMatchObject({ status: "success" });
  return id;
}

test("a sleeping session's workspace as a zip: bytes, modes, symlinks, empty folders; what was not kept is named in it", async () => {
  const id = await workspace(
    "printf text > plain.txt; chmod 640 plain.txt; mkdir -p bin empty/deep; printf '#!/bin/sh' > bin/run; chmod 755 bin/run",
    "ln -s plain.txt link; ln -s /etc/passwd out; : > nothing; printf x > 'a:b'; printf x > 'ünï 😀'",
    "head -c 300000 /dev/urandom > random; touch -d 2001-02-03T04:05:06Z random; touch -d 9998-01-01 nothing; head -c 500000 /dev/zero > huge",
  );
  expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
  const response = await bench.request("GET", `/sessions/${id}/archive`);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/zip"]);
  expect(response.headers.get("content-disposition")).toContain(`${id}.zip`);
  const file = join(folder, "all.zip");
  await writeFile(file, new Uint8Array(await response.arrayBuffer()));
  const out = join(folder, "out");
  await run("unzip", ["-q", file, "-d", out]);
  expect((await run("unzip", ["-z", file])).stdout).toContain('not kept: ["huge"]');

  const { files } = (await (await bench.request("GET", `/sessions/${id}/files`)).json()) as { files: FileEntry[] };
  const rest = files.filter(({ path }) => path !== "huge");
  expect(rest).toHaveLength(9);
  for (const { path, type, mode, target, size } of rest) {
    if (type === "symlink") expect([path, await readlink(join(out, path))]).toEqual([path, target]);
    else expect([path, (await stat(join(out, path))).mode & 0o777]).toEqual([path, mode]);
    if (type !== "file") continue;
    const served = await bench.request(
      "GET",
      `/sessions/${id}/files/${path.split("/").map(encodeURIComponent).join("/")}`,
    );
    const bytes = await readFile(join(out, path));
    expect([path, bytes.length, bytes.equals(Buffer.from(await served.arrayBuffer()))]).toEqual([path, size, true]);
  }
  expect((await stat(join(out, "empty/deep"))).isDirectory()).toBe(true);
  expect((await stat(join(out, "random"))).mtime.toISOString()).toBe("2001-02-03T04:05:06.000Z");
  expect((await bench.state(id)).runtime.isLoaded).toBe(false);
});

test("the client streams it, and an empty workspace is an empty zip", async () => {
  const id = await bench.create();
  const fetched: typeof fetch = (input, init) =>
    bench.request(init?.method ?? "GET", new URL(new Request(input).url).pathname);
  const client = createAgentClient({ baseUrl: "http://runtime.test", apiKey: API_KEY, fetch: fetched });
  const bytes = new Uint8Array(await new Response(await client.readArchive(id)).arrayBuffer());
  expect([...bytes.subarray(0, 4)]).toEqual([0x50, 0x4b, 0x05, 0x06]);
  await expect(client.readArchive("none")).rejects.toMatchObject({ code: "session_not_found" });
});

test("bytes that are damaged break the download, and nothing else", async () => {
  const id = await workspace("head -c 300000 /dev/urandom > random; printf x > other");
  expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
  const { store } = kept.adapter;
  const real = store.blob;
  store.blob = async function* (...at) {
    for await (const bytes of real(...at))
      yield Uint8Array.from(bytes, (byte, index) => (index === 0 ? byte ^ 1 : byte));
  };
  try {
    const response = await bench.request("GET", `/sessions/${id}/archive`);
    await expect(response.arrayBuffer()).rejects.toThrow();
  } finally {
    store.blob = real;
  }
  expect((await (await bench.request("GET", `/sessions/${id}/archive`)).arrayBuffer()).byteLength).toBeGreaterThan(
    300_000,
  );
});

test("a reader that leaves in the middle leaves nothing behind", async () => {
  const id = await workspace("head -c 390000 /dev/urandom > a; head -c 390000 /dev/urandom > b");
  const response = await bench.request("GET", `/sessions/${id}/archive`);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await reader.cancel();
  expect((await bench.request("GET", `/sessions/${id}/archive`)).status).toBe(200);
});
