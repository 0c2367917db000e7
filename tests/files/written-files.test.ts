import type { SessionState } from "@hhopkins/agent-runtime";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";
import { fileRequests, type FileRequests } from "./file-requests.ts";

const MAX_FILE_BYTES = 2_000_000;

let bench: RuntimeUnderTest;
let files: FileRequests;
beforeAll(async () => {
  bench = await startRuntime({ maxFileBytes: MAX_FILE_BYTES, warmPool: { default: 1 } });
  const rest = bench.runtime.createRestServer({ apiKey: API_KEY });
  files = fileRequests("http://runtime.test", (request) => rest.fetch(request));
});
afterAll(() => bench[Symbol.asyncDispose]());

const sha256 = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const idle = ({ turn, queue }: SessionState): boolean => turn === null && queue.length === 0;
const unload = async (id: string): Promise<void> => {
  expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
};

/** What a command in the workspace prints, in a turn of its own. */
async function run(id: string, command: string): Promise<string> {
  const state = await bench.turn(id, prompt("run", { tools: [bash(command)] }, { text: "done" }));
  const result = state.blocks.findLast((block) => block.type === "tool_result");
  return result?.type === "tool_result" ? result.content : "";
}

async function fileEvents(id: string, after: number): Promise<string[]> {
  return (await logOf(bench, id)).flatMap((event) => {
    if (event.seq <= after || !event.type.startsWith("session:file:")) return [];
    const { file, path } = event.data as { file?: { path: string }; path?: string };
    return [`${event.type.slice("session:file:".length)} ${file?.path ?? path}`];
  });
}

test("a file is put into a session without a sandbox, and is there for the agent's next turn; so with one that is gone", async () => {
  const id = await bench.create({ defaultWorkspaceFiles: [{ path: "run.sh", content: "echo one", mode: 0o755 }] });
  const { lastSeq } = await bench.state(id);
  const made = await files.put(id, "notes/a b.txt", "one");
  const entry = { path: "notes/a b.txt", type: "file", size: 3, sha256: sha256("one"), mode: 0o644 };
  expect([made.status, await made.json()]).toEqual([201, expect.objectContaining(entry)]);
  // The same again is no news.
  const again = await files.put(id, "notes/a b.txt", "one");
  expect([again.status, await again.json()]).toEqual([200, expect.objectContaining(entry)]);
  expect((await files.put(id, "run.sh", "echo two")).status).toBe(200);
  expect((await files.put(id, "gone/deep.txt", "x")).status).toBe(201);
  expect((await files.remove(id, "gone/deep.txt")).status).toBe(204);
  expect(await fileEvents(id, lastSeq)).toEqual([
    "created notes/a b.txt",
    "modified run.sh",
    "created gone/deep.txt",
    "deleted gone/deep.txt",
    "created gone",
  ]);
  const state = await bench.state(id);
  expect(state.runtime.sandbox).toBeNull();
  expect(state.workspaceFiles.find(({ path }) => path === "notes/a b.txt")).toMatchObject({ ...entry, content: "one" });
  expect(await run(id, "cat 'notes/a b.txt'; ./run.sh; find . | sort | tr '\\n' ' '")).toBe(
    "onetwo\n. ./gone ./notes ./notes/a b.txt ./run.sh",
  );
  const known = (await bench.state(id)).workspaceFiles;
  expect(known.map(({ path }) => path).toSorted()).toEqual(["gone", "notes/a b.txt", "run.sh"]);

  await unload(id);
  const bytes = new Uint8Array(700_000).fill(0xfe);
  expect((await files.put(id, "big.bin", bytes)).status).toBe(201);
  expect((await files.put(id, "gone/not.txt", "back")).status).toBe(201);
  expect((await files.remove(id, "notes/a b.txt")).status).toBe(204);
  expect(await run(id, "sha256sum < big.bin; find . -type f | sort | tr '\\n' ' '")).toBe(
    `${sha256(bytes)}  -\n./big.bin ./gone/not.txt ./run.sh`,
  );
  expect((await bench.request("POST", `/sessions/${id}/sync`)).status).toBe(204);
  const back = new Uint8Array(await (await files.read(id, "big.bin")).arrayBuffer());
  expect(sha256(back)).toBe(sha256(bytes));
});

test("a file is put while a turn runs, and the agent's next tool sees it; it is an event as any other", async () => {
  const id = await bench.create();
  const wait = "for n in $(seq 2000); do [ -e in/go.txt ] && break; sleep 0.02; done";
  const steps = [
    { tools: [bash(`mkdir in; ${wait}; cat in/go.txt in/bytes | sha256sum; rm in/bytes`)] },
    { text: "seen" },
  ];
  await bench.send(id, prompt("wait", ...steps));
  await bench.until(id, ({ workspaceFiles }) => workspaceFiles.some(({ path }) => path === "in"));
  const { lastSeq } = await bench.state(id);
  const bytes = new Uint8Array(400_000).map((_byte, index) => index % 251);
  const first = await files.put(id, "in/bytes", bytes);
  expect([first.status, await first.json()]).toEqual([
    201,
    expect.objectContaining({ path: "in/bytes", sha256: sha256(bytes), size: bytes.length }),
  ]);
  // Told before it was answered, without a turn's end.
  expect((await bench.state(id)).turn).not.toBeNull();
  expect(await fileEvents(id, lastSeq)).toEqual(["deleted in", "created in/bytes"]);
  expect((await files.put(id, "in/go.txt", "go")).status).toBe(201);
  const done = await bench.until(id, idle);
  const go = sha256(Buffer.concat([Buffer.from("go"), bytes]));
  expect(done.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: `${go}  -` });
  expect((await files.put(id, "in/go.txt", "went")).status).toBe(200);
  expect((await files.remove(id, "in/bytes")).status).toBe(404);
  expect((await files.remove(id, "in/go.txt")).status).toBe(204);
  expect((await bench.state(id)).workspaceFiles).toMatchObject([{ path: "in", type: "directory" }]);
  // The agent's own version goes on from what was put.
  expect(await run(id, "ls -A in | wc -l")).toBe("0");
});

test("what is put while a sandbox starts, runs and ends is in the next tool's workspace, all of it, and saved", async () => {
  // A warm sandbox was made for a session without these files.
  await expect.poll(() => bench.logs.some(({ message }) => message === "a warm sandbox is ready")).toBe(true);
  const id = await bench.create();
  const wait = "for n in $(seq 3000); do [ -e last ] && break; sleep 0.02; done";
  const put: Promise<Response>[] = [files.put(id, "many/before", "x")];
  await bench.send(id, prompt("count", { tools: [bash(`${wait}; ls many | wc -l`)] }, { text: "counted" }));
  for (let n = 0; n < 20; n++) {
    put.push(files.put(id, `many/${n}`, `number ${n}`));
    await bench.state(id);
  }
  expect((await Promise.all(put)).map(({ status }) => status)).toEqual(put.map(() => 201));
  await files.put(id, "last", "");
  const done = await bench.until(id, idle);
  expect(done.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: "21" });
  const ending = unload(id);
  const late = await Promise.all([files.put(id, "many/late", "late"), files.remove(id, "many/0")]);
  await ending;
  // Done, or refused and not done: told to come again.
  const { workspaceFiles } = await bench.state(id);
  const has = (path: string): boolean => workspaceFiles.some((file) => file.path === path);
  expect(late.map(({ status }) => status)).toEqual([has("many/late") ? 201 : 503, has("many/0") ? 503 : 204]);
  expect(await run(id, "ls many | wc -l; cat many/1")).toBe(`${workspaceFiles.length - 1}\nnumber 1`);
  expect((await bench.request("POST", `/sessions/${id}/sync`)).status).toBe(204);
  // What was saved was never found to be something else than the sandbox's.
  const statuses = (await logOf(bench, id)).flatMap((event) =>
    event.type === "session:status" ? [event.data.runtime.sandbox?.status] : [],
  );
  expect(statuses).toContain("ready");
  expect(statuses).not.toContain("unhealthy");
});

test("what stands in the way of a file is said, with and without a sandbox, and nothing is written", async () => {
  const id = await bench.create({ defaultWorkspaceFiles: [{ path: "dir/file", content: "x" }] });
  await run(id, "ln -s dir link; ln -s dir/file other; mkdir empty");
  const refused: [string, number, string, RegExp][] = [
    ["dir", 409, "conflict", /is a folder/],
    ["dir/file/below", 409, "conflict", /below a file/],
    ["link", 409, "conflict", /is a symlink/],
    ["other", 409, "conflict", /is a symlink/],
    ["link/file", 409, "conflict", /through a symlink/],
    ["empty", 409, "conflict", /is a folder/],
    ["a/node_modules/x", 400, "invalid_request", /node_modules is not kept/],
    [`${"n".repeat(256)}/x`, 400, "invalid_request", /255/],
    ["n/".repeat(1100) + "x", 400, "invalid_request", /2048/],
    ["a\\b", 400, "invalid_request", /inside the workspace/],
    ["..%2fx", 400, "invalid_request", /inside the workspace/],
  ];
  const before = await bench.state(id);
  for (const where of ["in a sandbox", "at rest"]) {
    for (const [path, status, error, detail] of refused) {
      const answer = path === "..%2fx" ? await rawPut(id, path) : await files.put(id, path, "evil");
      expect([where, path, answer.status, await answer.json()]).toEqual([
        where,
        path,
        status,
        expect.objectContaining({ error, field: "path", detail: expect.stringMatching(detail) as string }),
      ]);
    }
    const gone: [string, number][] = [
      ["dir", 409],
      ["nothing", 404],
      ["link/file", 404],
    ];
    for (const [path, status] of gone) expect([path, (await files.remove(id, path)).status]).toEqual([path, status]);
    expect((await bench.state(id)).workspaceFiles).toEqual(before.workspaceFiles);
    if (where === "in a sandbox") await unload(id);
  }
  const large = await files.put(id, "large", new Uint8Array(MAX_FILE_BYTES + 1));
  expect([large.status, await large.json()]).toEqual([
    413,
    expect.objectContaining({
      error: "payload_too_large",
      field: "body",
      detail: expect.stringContaining("maxFileBytes") as string,
    }),
  ]);
  expect((await files.put("none", "x", "x")).status).toBe(404);
  expect((await files.remove("none", "x")).status).toBe(404);
  // Links and empty folders can be removed.
  for (const path of ["link", "empty"]) expect((await files.remove(id, path)).status).toBe(204);
  expect(await run(id, "ls | tr '\\n' ' '; cat dir/file")).toBe("dir other x");
});

test("where the agent took away its own right to write, that is said; after it gave it back the file is written", async () => {
  const id = await bench.create();
  await run(id, "mkdir locked; touch locked/kept; chmod 555 locked");
  const denied = await files.put(id, "locked/x", "x");
  expect([denied.status, await denied.json()]).toEqual([
    409,
    expect.objectContaining({
      error: "conflict",
      field: "path",
      detail: expect.stringContaining("right back") as string,
    }),
  ]);
  expect((await files.remove(id, "locked/kept")).status).toBe(409);
  await run(id, "chmod 755 locked");
  expect((await files.put(id, "locked/x", "x")).status).toBe(201);
});

test("names with anything in them are written, read and removed, with and without a sandbox", async () => {
  const id = await bench.create();
  const names = [
    "new\nline.txt",
    `quo'te "double".txt`,
    "😀 ünï/%2F%2e",
    "a?b#c&d=e",
    "-rf",
    " lead and trail ",
    "__proto__",
  ];
  const put = async (content: string): Promise<number[]> => {
    const answers: number[] = [];
    for (const name of names) answers.push((await files.put(id, name, content)).status);
    return answers;
  };
  const contents = (): Promise<string[]> => Promise.all(names.map(async (name) => (await files.read(id, name)).text()));
  expect(await put("at rest")).toEqual(names.map(() => 201));
  expect(await contents()).toEqual(names.map(() => "at rest"));
  expect(await run(id, "grep -rl 'at rest' . | wc -l")).toBe(String(names.length + 1));
  expect(await put("in it")).toEqual(names.map(() => 200));
  expect(await contents()).toEqual(names.map(() => "in it"));
  expect((await files.list(id)).map(({ path }) => path).toSorted()).toEqual(names.toSorted());
  for (const name of names) expect((await files.remove(id, name)).status).toBe(204);
  expect(await run(id, "find . -type f | wc -l")).toBe("0");
});

/** As it stands there. */
async function rawPut(id: string, path: string): Promise<Response> {
  const rest = bench.runtime.createRestServer({ apiKey: API_KEY });
  const headers = { authorization: `Bearer ${API_KEY}` };
  return rest.fetch(
    new Request(`http://runtime.test/sessions/${id}/files/${path}`, { method: "PUT", headers, body: "x" }),
  );
}
