import assert from "node:assert/strict";
import type { PersistenceAdapter, WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import { minute, ODD_TEXT, record } from "./samples.ts";
import type { PersistenceCase } from "./subject.ts";

async function load(adapter: PersistenceAdapter, sessionId: string) {
  const loaded = await adapter.loadSession(sessionId);
  assert.ok(loaded, `session ${sessionId} is not kept`);
  return loaded;
}

function bytesOf(file: WorkspaceFile | undefined): Buffer {
  assert.ok(file?.content !== undefined, "the file has no content");
  return Buffer.from(file.content, file.encoding ?? "utf8");
}

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : 1);

/** Asserts that a value is made of JSON's types alone, such as no Date. */
function assertPlain(value: unknown): void {
  assert.deepEqual(JSON.parse(JSON.stringify(value)), value);
}

/** The nine methods of an adapter that keeps what it is given. */
export const nineMethodCases: Record<string, PersistenceCase> = {
  "nine methods: a new adapter lists and loads nothing": async (subject) => {
    const adapter = await subject.open();
    assert.deepEqual(await adapter.listAllSessions(), []);
    assert.equal(await adapter.loadSession("none"), null);
    assert.equal(await adapter.loadAgentProfile("there-is-no-such-profile"), null);
  },

  "nine methods: a record comes back as it was given": async (subject) => {
    const adapter = await subject.open();
    const given = record("s1", {
      name: ODD_TEXT,
      lastActivity: "2026-11-22T08:01:00.123456Z",
      sessionOptions: { model: "m" },
      metadata: { odd: ODD_TEXT, deep: { list: [1, 2.5, null, false], empty: {} }, date: "2026-01-01" },
    });
    await adapter.createSessionRecord(given);
    await adapter.createSessionRecord(record("s2"));
    const { workspaceFiles, rawTranscript: _rawTranscript, ...loaded } = await load(adapter, "s1");
    assert.deepEqual(loaded, given);
    assert.deepEqual(workspaceFiles, []);
    const listed = await adapter.listAllSessions();
    assertPlain(listed);
    assert.deepEqual(
      listed.toSorted((a, b) => (a.sessionId < b.sessionId ? -1 : 1)),
      [given, record("s2")],
    );
  },

  "nine methods: an update changes the fields that it names": async (subject) => {
    const adapter = await subject.open();
    const given = record("s1", { name: "before", metadata: { a: 1 } });
    await adapter.createSessionRecord(given);
    await adapter.updateSessionRecord("s1", { lastActivity: minute(5), name: "after" });
    await adapter.updateSessionRecord("s1", { metadata: { b: 2 }, sessionOptions: { model: "x" } });
    const { workspaceFiles: _files, rawTranscript: _rawTranscript, ...loaded } = await load(adapter, "s1");
    const after = { name: "after", lastActivity: minute(5), metadata: { b: 2 }, sessionOptions: { model: "x" } };
    assert.deepEqual(loaded, { ...given, ...after });
  },

  "nine methods: the transcript is the last one that was saved": async (subject) => {
    const adapter = await subject.open();
    await adapter.createSessionRecord(record("s1"));
    await adapter.saveTranscript("s1", "first");
    const last = `${ODD_TEXT}\n{"event":1}\n${"x".repeat(1_000_000)}`;
    await adapter.saveTranscript("s1", last);
    const { rawTranscript } = await load(adapter, "s1");
    assert.ok(rawTranscript === last);
  },

  "nine methods: files keep their bytes, whatever they are": async (subject) => {
    const adapter = await subject.open();
    await adapter.createSessionRecord(record("s1"));
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const contents: Record<string, Buffer> = {
      "all bytes.bin": all,
      "empty.txt": Buffer.alloc(0),
      "deep/er/日本語 👋.txt": Buffer.from("é👋\u0000\n"),
      "large.bin": Buffer.alloc(1_500_000, all),
    };
    for (const [path, bytes] of Object.entries(contents)) {
      await adapter.saveWorkspaceFile("s1", {
        path,
        content: bytes.toString("base64"),
        encoding: "base64",
        mode: 0o755,
      });
    }
    await adapter.saveWorkspaceFile("s1", { path: "plain.txt", content: "Grüße" });
    await adapter.saveWorkspaceFile("s1", { path: "link", type: "symlink", target: "../elsewhere" });
    const { workspaceFiles } = await load(adapter, "s1");
    const byPath = new Map(workspaceFiles.map((file) => [file.path, file]));
    for (const [path, bytes] of Object.entries(contents)) assert.ok(bytesOf(byPath.get(path)).equals(bytes), path);
    assert.equal(byPath.get("all bytes.bin")?.mode, 0o755);
    assert.equal(bytesOf(byPath.get("plain.txt")).toString(), "Grüße");
    assert.equal(byPath.get("link")?.target, "../elsewhere");
    assert.equal(byPath.size, Object.keys(contents).length + 2);
  },

  "nine methods: a file is replaced, and deleted": async (subject) => {
    const adapter = await subject.open();
    await adapter.createSessionRecord(record("s1"));
    await adapter.createSessionRecord(record("s2"));
    for (const id of ["s1", "s2"]) await adapter.saveWorkspaceFile(id, { path: "a.txt", content: "1" });
    await adapter.saveWorkspaceFile("s1", { path: "A.txt", content: "another" });
    await adapter.saveWorkspaceFile("s1", { path: "a.txt", content: "2" });
    const before = await load(adapter, "s1");
    assert.deepEqual(before.workspaceFiles.map((file) => `${file.path} ${file.content}`).toSorted(byCodeUnits), [
      "A.txt another",
      "a.txt 2",
    ]);
    await adapter.deleteSessionFile("s1", "a.txt");
    await adapter.deleteSessionFile("s1", "never-was.txt");
    assert.deepEqual(
      (await load(adapter, "s1")).workspaceFiles.map((file) => file.path),
      ["A.txt"],
    );
    assert.deepEqual(
      (await load(adapter, "s2")).workspaceFiles.map((file) => file.content),
      ["1"],
    );
  },

  "nine methods: every listed profile can be loaded": async (subject) => {
    const adapter = await subject.open();
    const listed = await adapter.listAgentProfiles();
    assert.ok(listed.length > 0, "there is no profile");
    for (const { id, name } of listed) {
      const profile = await adapter.loadAgentProfile(id);
      assert.deepEqual({ id: profile?.id, name: profile?.name }, { id, name });
      assertPlain(profile);
    }
  },
};
