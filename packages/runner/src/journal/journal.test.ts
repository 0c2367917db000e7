import { appendFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Entry } from "@hhopkins/agent-runtime-protocol";
import type { EntryBody } from "@hhopkins/agent-runtime-protocol";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { openJournal } from "./journal.ts";
import type { Journal, JournalOptions } from "./journal.ts";

let folder: ReturnType<typeof temporaryFolder>;
let open: Journal[] = [];
beforeEach(() => void (folder = temporaryFolder()));
afterEach(() => {
  for (const journal of open) journal.close();
  open = [];
  folder.remove();
});

function journal(options: Partial<JournalOptions> = {}): Journal {
  const made = openJournal({ folder: folder.path, maxBytes: 1024 * 1024, log: () => {}, ...options });
  open.push(made);
  return made;
}

const delta = (text: string): EntryBody => ({ kind: "block:delta", conversationId: "main", blockId: "b", delta: text });

async function readAll(from: Journal, after = 0): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let batch = await from.read(after); batch !== null; batch = await from.read(after)) {
    const lines = batch.data.toString().split("\n").slice(0, -1);
    entries.push(...lines.map((line) => Entry.parse(JSON.parse(line))));
    expect(entries.at(-1)?.n).toBe(batch.last);
    after = batch.last;
  }
  return entries;
}

const numbers = (entries: readonly Entry[]) => entries.map((entry) => entry.n);
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at);
const bytesOnDisk = () =>
  readdirSync(folder.path).reduce((sum, name) => sum + statSync(join(folder.path, name)).size, 0);

describe("the journal", () => {
  it("numbers from 1 in the order of the calls, and an entry is on disk when it can be read", async () => {
    const j = journal();
    expect(await j.read(0)).toBeNull();
    const given = await Promise.all(["a", "b", "c"].map((text) => j.append(delta(text))));
    expect(given).toEqual([1, 2, 3]);
    const onDisk = numbers(await readAll(openJournal({ folder: folder.path, maxBytes: 1e6, log: () => {} })));
    expect(onDisk).toEqual([1, 2, 3]);
    expect((await readAll(j)).map((entry) => entry.body)).toEqual([delta("a"), delta("b"), delta("c")]);
    expect(numbers(await readAll(j, 2))).toEqual([3]);
  });

  it("reads from disk what memory no longer holds, from any number, without holes or doubles", async () => {
    const j = journal({ tailBytes: 500, segmentBytes: 700 });
    for (let n = 1; n <= 100; n++) await j.append(delta(`text ${n}`));
    expect(readdirSync(folder.path).length).toBeGreaterThan(5);
    for (const after of [0, 1, 6, 7, 8, 50, 98, 99, 100]) {
      expect(numbers(await readAll(j, after))).toEqual(range(after + 1, 100));
    }
  });

  it("goes on after a restart with what no server has, and cuts a torn last line", async () => {
    const first = journal({ segmentBytes: 700 });
    for (let n = 1; n <= 30; n++) await first.append(delta(`text ${n}`));
    first.ackTo(12);
    first.close();
    open = [];
    appendFileSync(join(folder.path, readdirSync(folder.path).toSorted().at(-1)!), '{"type":"entry","n":31,"bo');
    const second = journal({ segmentBytes: 700 });
    expect(second.last).toBe(30);
    expect(second.first).toBeLessThanOrEqual(13);
    expect(second.first).toBeGreaterThan(1);
    expect(await second.append(delta("after"))).toBe(31);
    expect(numbers(await readAll(second, 12))).toEqual(range(13, 31));
  });

  it("keeps its numbering after a restart when everything was saved", async () => {
    const first = journal({ segmentBytes: 300 });
    for (let n = 1; n <= 20; n++) await first.append(delta(`text ${n}`));
    first.ackTo(20);
    expect([first.first, first.last]).toEqual([21, 20]);
    first.close();
    open = [];
    const second = journal({ segmentBytes: 300 });
    expect(second.last).toBe(20);
    expect(await second.append(delta("after"))).toBe(21);
  });

  it("is bounded: appends wait for room, in order, and disk space comes back with acknowledgements", async () => {
    const maxBytes = 8_000;
    const j = journal({ maxBytes, tailBytes: 1_000 });
    const given: number[] = [];
    const all = range(1, 300).map((n) => j.append(delta(`text ${n}`)).then((at) => given.push(at)));
    await Promise.resolve();
    const filled = j.last;
    expect(filled).toBeLessThan(150);
    expect(bytesOnDisk()).toBeLessThan(maxBytes + 200);
    const seen: number[] = [];
    while (seen.length < 300) {
      const batch = await j.read(seen.at(-1) ?? 0);
      const lines = batch!.data.toString().trimEnd().split("\n");
      seen.push(...lines.map((line) => (JSON.parse(line) as Entry).n));
      j.ackTo(batch!.last);
      expect(bytesOnDisk()).toBeLessThan(maxBytes + 200);
    }
    await Promise.all(all);
    expect(seen).toEqual(range(1, 300));
    expect(given).toEqual(range(1, 300));
    expect(bytesOnDisk()).toBeLessThan(maxBytes);
  });

  it("takes one entry that is larger than the whole bound", async () => {
    const j = journal({ maxBytes: 1_000 });
    expect(await j.append(delta("x".repeat(5_000)))).toBe(1);
    let second = 0;
    const waiting = j.append(delta("next")).then((n) => (second = n));
    await Promise.resolve();
    expect(second).toBe(0);
    j.ackTo(1);
    expect(await waiting).toBe(2);
  });
});
