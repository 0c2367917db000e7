import { FileReport, RuntimeError, type CommandBody, type FileRefusal } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { openLog } from "../log/testing/log-bench.ts";
import { memoryStore } from "../persistence/memory-store.ts";
import { sha256 } from "./entry-translation.ts";
import type { RunnerLink } from "./runner-link.ts";
import { SessionFiles, type FiledSession } from "./session-files.ts";

type Link = Pick<RunnerLink, "command" | "closed" | "ending">;

/** A session with a real log, and a sandbox whose runner does as the test says. */
async function openFiles({ syncMs = 60_000 } = {}) {
  const store = memoryStore();
  const { key, log } = await openLog(store);
  const at = {
    /** undefined: the workspace is in no sandbox. */
    link: undefined as Link | undefined,
    cursor: { generation: 1, n: 0 },
    failure: undefined as RuntimeError | undefined,
    isClosing: false,
  };
  const session: FiledSession = {
    key,
    writer: {
      ask: (task) => task(),
      append: (write) => log.append(write),
      get cursor() {
        return at.cursor;
      },
      get failure() {
        return at.failure;
      },
    },
    supervisor: {
      workspaceLink: async () => at.link as RunnerLink | undefined,
      get hasWorkspace() {
        return at.link !== undefined;
      },
      generation: 1,
    },
    state: () => log.state,
    refuseWhileClosing() {
      if (at.isClosing) throw new RuntimeError("unavailable", "It is being unloaded.", { retryAfter: 1 });
    },
  };
  const parts = { store, now: () => new Date(0), newId: () => "id", limits: { syncMs } };
  const keep = async (content: string) => {
    const bytes = Buffer.from(content);
    const file = { size: bytes.length, sha256: sha256(bytes) };
    await log.append({ events: [], blobs: [{ sha256: file.sha256, offset: 0, total: bytes.length, bytes }] });
    return file;
  };
  return { at, log, keep, files: new SessionFiles(parts, session) };
}

function runner(answer: (command: CommandBody) => unknown): Link {
  return { closed: undefined, ending: false, command: async (_id, command) => answer(command) };
}

const report = (last: number, refused?: FileRefusal): FileReport =>
  FileReport.parse(refused === undefined ? { last } : { last, refused });

test("a runner that does not answer, or whose word is not saved: it is not known what became of it, and the next one is done", async () => {
  const { at, files, keep, log } = await openFiles({ syncMs: 50 });
  const file = { path: "a", ...(await keep("a")) };
  const unknown = expect.objectContaining({ code: "unavailable", retryAfter: 2 }) as Error;
  at.link = runner(() => new Promise(() => undefined));
  await expect(files.put(file)).rejects.toEqual(unknown);
  await expect(files.remove("a")).rejects.toEqual(unknown);
  at.link = runner(() => report(5));
  await expect(files.put(file)).rejects.toEqual(unknown);
  at.failure = new RuntimeError("persistence_unavailable", "no");
  await expect(files.put(file)).rejects.toEqual(unknown);
  at.link = undefined;
  expect(await files.put(file)).toMatchObject({ created: true, file: { path: "a", mode: 0o644 } });
  expect(log.state.workspaceFiles).toMatchObject([{ path: "a", content: "a" }]);
});

test("a runner that ends, or is gone, has not done it: it is done where the workspace is then", async () => {
  const { at, files, keep, log } = await openFiles();
  const asked: string[] = [];
  const ends = (answer: () => unknown): Link =>
    runner(({ kind }) => {
      asked.push(kind);
      at.link = undefined;
      return answer();
    });
  at.link = ends(() => report(1, "ending"));
  await files.put({ path: "dir/a", ...(await keep("a")) });
  const gone = new RuntimeError("sandbox_lost", "gone");
  at.link = {
    ...ends(() => Promise.reject(gone)),
    closed: gone,
  };
  await files.put({ path: "dir/a", ...(await keep("b")) });
  // It was removed before the sandbox was gone, and nobody said so.
  at.link = { ...ends(() => Promise.reject(gone)), closed: gone };
  await files.remove("dir/never");
  at.link = undefined;
  await expect(files.remove("dir/never")).rejects.toMatchObject({ code: "file_not_found", field: "path" });
  await files.remove("dir/a");
  expect(asked).toEqual(["file:write", "file:write", "file:remove"]);
  expect(log.state.workspaceFiles).toMatchObject([{ path: "dir", type: "directory", mode: 0o755 }]);
  await files.put({ path: "dir/deep/a", ...(await keep("c")) });
  expect(log.state.workspaceFiles.map(({ path }) => path)).toEqual(["dir/deep/a"]);
});

test("what fails in a runner that lives on is said; so is a session that closes, and bytes that are not there", async () => {
  const { at, files, keep } = await openFiles();
  const file = { path: "a", ...(await keep("a")) };
  at.link = runner(() => Promise.reject(new RuntimeError("harness_failed", "No space left on the device.")));
  await expect(files.put(file)).rejects.toMatchObject({
    code: "harness_failed",
    message: "No space left on the device.",
  });
  at.link = runner(() => report(0, "symlink"));
  await expect(files.put(file)).rejects.toMatchObject({ code: "conflict", field: "path" });
  at.link = runner(() => report(0));
  await expect(files.put(file)).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining("removed it at once") as string,
  });
  at.isClosing = true;
  await expect(files.put(file)).rejects.toMatchObject({ code: "unavailable", retryAfter: 1 });
  at.isClosing = false;
  at.link = undefined;
  const missing = { path: "a", size: 3, sha256: sha256("not kept") };
  await expect(files.put(missing)).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("Send them again") as string,
  });
});

test("without a sandbox: the mode and the birth of a file stay, and the same bytes are no event", async () => {
  const { files, keep, log } = await openFiles();
  const entry = { path: "run.sh", type: "file" as const, mode: 0o755, ...(await keep("1")) };
  const file = { ...entry, createdAt: "2020-01-01T00:00:00.000Z", truncated: true };
  await log.append({
    events: [{ type: "session:file:created", data: { sessionId: "s1", file } }],
    files: { put: [entry], deleted: [] },
  });
  const before = log.state.lastSeq;
  expect(await files.put({ path: "run.sh", ...(await keep("1")) })).toMatchObject({ created: false });
  expect(log.state.lastSeq).toBe(before);
  const bytes = await keep("\u0000".repeat(70_000));
  expect(await files.put({ path: "run.sh", ...bytes })).toEqual({
    created: false,
    file: {
      path: "run.sh",
      type: "file",
      mode: 0o755,
      ...bytes,
      createdAt: "2020-01-01T00:00:00.000Z",
      modifiedAt: "1970-01-01T00:00:00.000Z",
    },
  });
  expect(log.state.workspaceFiles).toMatchObject([{ path: "run.sh", truncated: true }]);
});
