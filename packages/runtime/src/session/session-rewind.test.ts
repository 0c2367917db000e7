import {
  initialState,
  reduceAll,
  type ConversationBlock,
  type EventDraft,
  type FileEntry,
  type SessionEvent,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { forkSession } from "../archive/fork-session.ts";
import { moves, Story } from "../log/testing/arbitrary-story.ts";
import { openLog } from "../log/testing/log-bench.ts";
import type { LogWrite } from "../log/session-log.ts";
import { collectBytes } from "../persistence/blob-bytes.ts";
import { memoryPersistence } from "../persistence/memory/index.ts";
import { checkpointOf, turnsOf } from "../persistence/session-history.ts";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";
import { sqlitePersistence } from "../persistence/sqlite/index.ts";
import { rewindWrite } from "./session-rewind.ts";

// A session lives through a random story, goes back now and then, and is forked: what it is then is compared with
// what was noted at the turn's end itself.

type Bench = Awaited<ReturnType<typeof openLog>>;

interface Noted {
  readonly turnId: string;
  readonly state: SessionState;
  readonly pages: Readonly<Record<string, readonly ConversationBlock[]>>;
  readonly files: Readonly<Record<string, string>>;
  /** Numbers of the transcript's lines. */
  readonly lines: readonly number[];
}

const logger = { debug() {}, info() {}, warn() {}, error() {} };
const profiles = memoryPersistence();

async function pageOf(store: SessionStore, key: SessionKey, conversationId: string): Promise<ConversationBlock[]> {
  const all: ConversationBlock[] = [];
  for (let before: string | undefined; ;) {
    const page = await store.blocks(key, { conversationId, limit: 7, ...(before === undefined ? {} : { before }) });
    all.unshift(...page.blocks);
    if (!page.more) return all;
    before = page.blocks[0]?.id;
  }
}

async function pagesOf(store: SessionStore, key: SessionKey) {
  return { main: await pageOf(store, key, "main"), sub: await pageOf(store, key, "sub") };
}

/** Contents by path, as the store has them. */
async function filesOf(store: SessionStore, key: SessionKey): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { path, sha256 = "" } of await store.files(key))
    files[path] = Buffer.from(await collectBytes(store.blob(key, sha256))).toString();
  return files;
}

async function linesOf(store: SessionStore, key: SessionKey): Promise<number[]> {
  const native = (await store.head(key))?.nativeSessionId;
  const numbers: number[] = [];
  for await (const piece of store.transcript(key)) {
    if (native === null || native === undefined || !piece.key.startsWith(native)) continue;
    for (const line of piece.lines) {
      const { sessionId, n } = JSON.parse(line) as { sessionId: string; n: number };
      expect(sessionId).toBe(native);
      numbers.push(n);
    }
  }
  return numbers;
}

function shown({ blocks, blocksBefore, subagents, workspaceFiles, lastTurn }: SessionState) {
  const files = workspaceFiles.map(({ path, sha256, content }) => [path, { sha256, content }]);
  return { blocks, blocksBefore, subagents, lastTurn, files: Object.fromEntries(files) };
}

class World {
  readonly #story = new Story();
  readonly #noted: Noted[] = [];
  readonly #bench: Bench;
  #native = "native-0";
  #lines: number[] = [];
  #files: Record<string, string> = {};
  #count = 0;
  backs = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  async begin(): Promise<void> {
    await this.#bench.log.append({ events: this.#story.begin(), nativeSessionId: this.#native });
  }

  async write(steps: Parameters<Story["tell"]>[0][]): Promise<void> {
    const { log } = this.#bench;
    for (const step of steps) {
      if (step.kind === "turn") continue;
      await log.append({ events: this.#story.tell(step), snapshot: step.pick % 9 === 0 });
      if (step.pick % 3 === 0) await log.append({ events: [], ...this.#said(step.pick) });
      if (step.pick % 4 === 0) await log.append(this.#changed(step.pick));
    }
    await this.#endTurn();
    // What the harness says behind its turn is not of its checkpoint.
    await log.append({ events: [], ...this.#said(1) });
  }

  #said(pick: number): Pick<LogWrite, "transcript"> {
    this.#count += 1;
    this.#lines.push(this.#count);
    const key = pick % 2 === 0 ? `${this.#native}/subagents/agent-1` : this.#native;
    return { transcript: [{ key, lines: [JSON.stringify({ sessionId: this.#native, n: this.#count })] }] };
  }

  #changed(pick: number): LogWrite {
    const { sessionId } = this.#bench.key;
    const path = `f${pick % 5}`;
    if (pick % 7 === 0 && this.#files[path] !== undefined) {
      delete this.#files[path];
      const files = { put: [], deleted: [path] };
      return { events: [{ type: "session:file:deleted", data: { sessionId, path } }], files };
    }
    const content = `content ${pick % 11}`;
    const type = this.#files[path] === undefined ? "session:file:created" : "session:file:modified";
    this.#files[path] = content;
    const bytes = Buffer.from(content);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const entry: FileEntry = { path, type: "file", mode: 0o644, size: bytes.length, sha256 };
    const file = { ...entry, content, encoding: "utf8" as const };
    return {
      events: [{ type, data: { sessionId, file } }],
      files: { put: [entry], deleted: [] },
      blobs: [{ sha256, offset: 0, total: bytes.length, bytes }],
    };
  }

  async #endTurn(): Promise<void> {
    const { log, parts, key } = this.#bench;
    this.#count += 1;
    const turnId = `turn-${this.#count}`;
    const ended = (draft: EventDraft): EventDraft =>
      draft.type === "session:turn:completed" ? { ...draft, data: { ...draft.data, turnId } } : draft;
    const events = this.#story.tell({ kind: "turn", pick: 5, text: "", times: 1 }).map(ended);
    await log.append({ events });
    this.#noted.push({
      turnId,
      state: log.state,
      pages: await pagesOf(parts.store, key),
      files: { ...this.#files },
      lines: [...this.#lines],
    });
  }

  async back(pick: number): Promise<void> {
    const { log, parts, key } = this.#bench;
    const { store } = parts;
    const { lastSeq } = log.state;
    const { ended } = await turnsOf(store, key, lastSeq);
    const turnId = ended[pick % Math.max(1, ended.length)];
    const noted = this.#noted.find((one) => one.turnId === turnId);
    if (noted === undefined || turnId === undefined) return;
    this.backs += 1;
    const before = await store.events(key, { after: 0, limit: 100_000 });
    const checkpoint = await checkpointOf(store, key, { turnId, lastSeq });
    this.#native = `native-${this.backs}`;
    const place = { checkpoint, nativeSessionId: this.#native };
    await log.append(await rewindWrite(store, { key, state: log.state }, place));
    this.#lines = [...noted.lines];
    this.#files = { ...noted.files };

    expect(shown(log.state)).toEqual(shown(noted.state));
    await this.#isAs(key, noted);
    const all = (await store.events(key, { after: 0, limit: 100_000 })).map(({ from: _from, ...event }) => event);
    expect(all.slice(0, before.length)).toMatchObject(before.map(({ seq, type }) => ({ seq, type })));
    expect(reduceAll(initialState(key.sessionId, log.state.logId), all as SessionEvent[])).toEqual(log.state);
    expect((await turnsOf(store, key, log.state.lastSeq)).ended.at(-1)).toBe(turnId);
  }

  /** At any turn that there ever was. */
  async fork(pick: number): Promise<void> {
    const { parts, key } = this.#bench;
    const noted = this.#noted[pick % Math.max(1, this.#noted.length)];
    if (noted === undefined) return;
    this.#count += 1;
    const ids = { newId: () => `fork-${this.#count}` };
    const state = await forkSession({ ...parts, ...ids, profiles, log: logger }, key, {
      turnId: noted.turnId,
    });
    expect(shown(state)).toEqual(shown(noted.state));
    const at = { ...key, sessionId: state.sessionId };
    await this.#isAs(at, noted);
    const head = await parts.store.head(at);
    const events = await parts.store.events(at, { after: 0, limit: 100_000 });
    expect(reduceAll(initialState(at.sessionId, head?.logId ?? ""), events)).toEqual(state);
    // It goes back to where it began.
    expect(await checkpointOf(parts.store, at, { turnId: noted.turnId, lastSeq: state.lastSeq })).toBeDefined();
    await parts.store.delete(at);
  }

  async #isAs(key: SessionKey, noted: Noted): Promise<void> {
    const { store } = this.#bench.parts;
    expect(await pagesOf(store, key)).toEqual(noted.pages);
    expect(await filesOf(store, key)).toEqual(noted.files);
    expect(await linesOf(store, key)).toEqual(noted.lines);
  }
}

const lives = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: moves.map((all) => all.flatMap((move) => (move.move === "write" ? move.steps : [])).slice(0, 25)),
    },
    { weight: 3, arbitrary: fc.record({ back: fc.nat(1000) }) },
    { weight: 2, arbitrary: fc.record({ fork: fc.nat(1000) }) },
  ),
  { minLength: 3, maxLength: 9, size: "max" },
);

const stores = {
  memory: () => memoryPersistence(),
  sqlite: () => sqlitePersistence({ file: ":memory:" }),
};

test.each(["memory", "sqlite"] as const)(
  "over %s, a session that went back, and a fork, are what was at the turn's end: blocks and their pages, files, transcript",
  async (kind) => {
    let backs = 0;
    await fc.assert(
      fc.asyncProperty(lives, async (life) => {
        const adapter = stores[kind]();
        await adapter.open?.();
        const world = new World(await openLog(adapter.store, "s1", { compactAfter: 20 }));
        await world.begin();
        for (const part of life) {
          if ("back" in part) await world.back(part.back);
          else if ("fork" in part) await world.fork(part.fork);
          else await world.write([...part]);
        }
        backs += world.backs;
        await adapter.close?.();
      }),
      { numRuns: 25, endOnFailure: true },
    );
    expect(backs).toBeGreaterThan(10);
  },
);
