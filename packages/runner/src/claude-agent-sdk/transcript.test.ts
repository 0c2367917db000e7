import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SessionStoreEntry } from "@anthropic-ai/claude-agent-sdk";
import type { EntryBody } from "@hhopkins/agent-runtime-protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTranscript, type Transcript } from "./transcript.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "transcript-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const ID = "0b0e9fd2-5f0e-4f3e-8d52-000000000001";
const key = { projectKey: "-workspace", sessionId: ID };
const entry = (text: string): SessionStoreEntry => ({ type: "user", uuid: text, message: text });

async function open(initial: [string, string[]][] = []): Promise<{ transcript: Transcript; emitted: EntryBody[] }> {
  const emitted: EntryBody[] = [];
  const transcript = await openTranscript({
    folder: join(root, "mirror"),
    sessionId: ID,
    configFolder: join(root, ".claude"),
    initial: new Map(initial),
    emit: async (body) => void emitted.push(body),
    log: () => undefined,
  });
  return { transcript, emitted };
}

test("what is appended is mirrored in order, by session and subagent, and is loaded again under another project", async () => {
  const { transcript, emitted } = await open();
  await transcript.store.append(key, [entry("one"), entry("two")]);
  await transcript.store.append({ ...key, subpath: "subagents/agent-1" }, [entry("inner")]);
  await transcript.flush();
  expect(emitted).toEqual([
    { kind: "transcript", key: ID, lines: [JSON.stringify(entry("one")), JSON.stringify(entry("two"))] },
    { kind: "transcript", key: `${ID}/subagents/agent-1`, lines: [JSON.stringify(entry("inner"))] },
  ]);
  const lines = emitted.flatMap((body) =>
    body.kind === "transcript" ? [[body.key, body.lines] as [string, string[]]] : [],
  );
  const { transcript: elsewhere } = await open(lines);
  const there = { projectKey: "-elsewhere", sessionId: ID };
  expect(await elsewhere.store.load(there)).toEqual([entry("one"), entry("two")]);
  expect(await elsewhere.store.listSubkeys?.(there)).toEqual(["subagents/agent-1"]);
  expect(await elsewhere.store.load({ ...there, subpath: "subagents/agent-1" })).toEqual([entry("inner")]);
});

test("there is something to resume only when a message was written", async () => {
  const { transcript } = await open();
  expect(await transcript.has(ID)).toBe(false);
  await transcript.store.append(key, [{ type: "queue-operation" }]);
  expect([await transcript.has(ID), await transcript.store.load(key)]).toEqual([false, null]);
  await mkdir(join(root, ".claude", "projects", "-workspace"), { recursive: true });
  await writeFile(join(root, ".claude", "projects", "-workspace", `${ID}.jsonl`), `${JSON.stringify(entry("x"))}\n`);
  expect(await transcript.has(ID)).toBe(true);
});

test("an entry with a huge image is kept without it, and its links stay", async () => {
  const { transcript, emitted } = await open();
  const image = { type: "image", source: { type: "base64", data: "A".repeat(2_000_000) } };
  await transcript.store.append(key, [
    { type: "user", uuid: "b", parentUuid: "a", message: { content: [image] }, toolUseResult: "B".repeat(100_000) },
  ]);
  await transcript.flush();
  const [body] = emitted;
  const kept = JSON.parse(body?.kind === "transcript" ? (body.lines[0] ?? "") : "") as Record<string, unknown>;
  expect(kept).toMatchObject({
    uuid: "b",
    parentUuid: "a",
    message: { content: [{ type: "text", text: expect.stringContaining("image left out") }] },
  });
  expect(JSON.stringify(kept).length).toBeLessThan(100_000);
});
