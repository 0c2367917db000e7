import type { SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { AT, createSession, deltas, keyOf } from "./filling.ts";
import type { BareDriver, StoreUnderBench } from "./store-under-bench.ts";

/** Milliseconds of each call, ours and the bare driver's, taken in turns so that both meet the same machine. */
export interface Measured {
  readonly name: string;
  /** Rows of a call. */
  readonly rows: number;
  readonly ours: number[];
  readonly bare: number[];
}

export interface Sizes {
  readonly sessions: number;
  readonly events: number;
  readonly blocks: number;
  readonly files: number;
  /** Calls of a measurement, each way. */
  readonly calls: number;
}

const TAIL = 1_000;
const LIST_PAGE = 50;
/** Calls of one way before the other has its turn. */
const TURN = 5;
/** Sessions that stream at once, as group commit writes them. */
const STREAMING = 20;

interface Pair {
  readonly rows: number;
  ours(index: number): Promise<unknown>;
  bare(index: number): Promise<unknown>;
}

async function measured(name: string, pair: Pair, calls: number): Promise<Measured> {
  const times = { ours: [] as number[], bare: [] as number[] };
  // The first of each is not counted: statements are prepared then, and pages read.
  await pair.ours(0);
  await pair.bare(0);
  for (let done = 0; done < calls; done += TURN) {
    for (const way of ["ours", "bare"] as const) {
      for (let index = done + 1; index <= Math.min(calls, done + TURN); index += 1) {
        const started = performance.now();
        await pair[way](index);
        times[way].push(performance.now() - started);
      }
    }
  }
  return { name, rows: pair.rows, ...times };
}

const COLUMNS = ["tenant", "session_id", "seq", "version", "at", "type", "data"];

/** One transaction, as the store's: the log moves on if it is where it was, and the rows go in with one statement. */
async function bareAppend(bare: BareDriver, batches: readonly (readonly SessionEvent[])[]): Promise<void> {
  await bare.transaction(async () => {
    for (const events of batches) {
      const [first] = events;
      const last = events.at(-1);
      if (first === undefined || last === undefined) return;
      const move = "update bare_logs set last_seq = ? where tenant = ? and session_id = ? and last_seq = ?";
      await bare.rows(move, [last.seq, "default", first.data.sessionId, first.seq - 1]);
      const row = `(${COLUMNS.map(() => "?").join(", ")})`;
      const insert = `insert into bare_events (${COLUMNS.join(", ")}) values ${events.map(() => row).join(", ")}`;
      const values = events.flatMap(({ seq, at, type, data }) => {
        return ["default", data.sessionId, seq, 1, at, type, JSON.stringify(data)];
      });
      await bare.rows(insert, values);
    }
  });
}

/** Appends of a batch of `rows` events to each of the sessions, in one call. */
function appends({ store, bare }: StoreUnderBench, sessions: readonly string[], rows: number): Pair {
  const at = { ours: 0, bare: 0 };
  const batches = (way: "ours" | "bare"): SessionEvent[][] => {
    const after = at[way];
    at[way] += rows;
    return sessions.map((sessionId) => deltas(sessionId, after, rows));
  };
  return {
    rows: rows * sessions.length,
    ours: async () => {
      const expectedSeq = at.ours;
      const all = batches("ours").map((events, index) => ({ ...keyOf(sessions[index] ?? ""), expectedSeq, events }));
      const failure = (await store.append(all)).find((outcome) => outcome !== null);
      if (failure !== undefined) throw failure;
    },
    bare: () => bareAppend(bare, batches("bare")),
  };
}

export async function measureAppends(under: StoreUnderBench, { calls }: Sizes): Promise<Measured[]> {
  await under.cloneTable("bare_events", "events");
  await under.cloneTable("bare_logs", "logs");
  const begun = async (name: string, count: number): Promise<string[]> => {
    const ids = Array.from({ length: count }, (_unused, index) => `${name}-${index}`);
    for (const id of ids) {
      await createSession(under.store, id);
      await under.bare.rows(
        "insert into bare_logs (tenant, session_id, log_id, last_seq, generation, compacted_to, fence) values (?, ?, ?, ?, ?, ?, ?)",
        ["default", id, "L", 0, 0, 0, 0],
      );
    }
    return ids;
  };
  const all: Measured[] = [];
  for (const rows of [1, 10, 100]) {
    const pair = appends(under, await begun(`append-${rows}`, 1), rows);
    all.push(await measured(`append, ${rows} a batch`, pair, calls));
  }
  const streams = appends(under, await begun("stream", STREAMING), 5);
  all.push(await measured(`append, ${STREAMING} sessions × 5`, streams, Math.ceil(calls / 2)));
  return all;
}

function counted(rows: readonly unknown[], expected: number): void {
  if (rows.length !== expected) throw new Error(`${rows.length} rows instead of ${expected}`);
}

export async function measureTail({ store, bare }: StoreUnderBench, { events, calls }: Sizes): Promise<Measured> {
  const after = (index: number): number => events - TAIL - (index % 7) * 10;
  const select =
    "select seq, from_seq, at, type, data from events where tenant = ? and session_id = ? and seq > ? order by seq limit ?";
  const pair: Pair = {
    rows: TAIL,
    ours: async (index) => counted(await store.events(keyOf("tail"), { after: after(index), limit: TAIL }), TAIL),
    bare: async (index) => counted(await bare.rows(select, ["default", "tail", after(index), TAIL]), TAIL),
  };
  return await measured(`tail of ${TAIL}`, pair, Math.ceil(calls / 2));
}

/** Pages of 50: the first, one in the middle by its cursor, by creation, and with a filter. */
export async function measureLists(under: StoreUnderBench, { sessions, calls }: Sizes): Promise<Measured[]> {
  const { store, bare } = under;
  const middle = Date.parse(AT) + Math.floor(sessions / 2);
  const page = { tenant: "many", limit: LIST_PAGE };
  const cursorOf = (order: "activity" | "created"): string =>
    Buffer.from(JSON.stringify([middle, "session-5", ...(order === "created" ? [order] : [])])).toString("base64url");
  const cases = [
    ["the first", page, "sort_at", ""],
    ["in the middle", { ...page, cursor: cursorOf("activity") }, "sort_at", `and sort_at <= ${middle}`],
    [
      "by creation, in the middle",
      { ...page, order: "created", cursor: cursorOf("created") },
      "created_ms",
      `and created_ms <= ${middle}`,
    ],
    [
      "one profile's",
      { ...page, filter: { agentProfileReference: "profile-7" } },
      "sort_at",
      "and profile = 'profile-7'",
    ],
    [
      "one type's, by creation",
      { ...page, order: "created", filter: { type: "type-3" } },
      "created_ms",
      "and type = 'type-3'",
    ],
    ["those loaded", { ...page, filter: { isLoaded: true } }, "sort_at", "and loaded = 1"],
  ] as const;
  const all: Measured[] = [];
  for (const [name, query, by, where] of cases) {
    const select = `select * from sessions where tenant = ? ${where} order by ${by} desc, session_id desc limit ?`;
    const pair: Pair = {
      rows: LIST_PAGE,
      ours: async () => counted((await store.list(query)).sessions, LIST_PAGE),
      bare: async () => counted(await bare.rows(select, ["many", LIST_PAGE]), LIST_PAGE),
    };
    all.push(await measured(`list page, ${name}`, pair, calls));
  }
  return all;
}

/** What a server reads when somebody opens a session: its head, what came after the snapshot, the last page of blocks. */
export async function measureOpening({ store, bare }: StoreUnderBench, { blocks, calls }: Sizes): Promise<Measured> {
  const key = keyOf("blocks");
  const pair: Pair = {
    rows: LIST_PAGE,
    ours: async () => {
      const head = await store.head(key);
      const after = head?.snapshot?.lastSeq ?? 0;
      if (after !== blocks * 2) throw new Error("no snapshot");
      await store.events(key, { after, limit: 1_000 });
      counted((await store.blocks(key, { conversationId: "main", limit: LIST_PAGE })).blocks, LIST_PAGE);
    },
    bare: async () => {
      const of = ["default", "blocks"];
      const where = "where tenant = ? and session_id = ?";
      for (const table of ["sessions", "logs", "snapshots"]) await bare.rows(`select * from ${table} ${where}`, of);
      await bare.rows(`select * from events ${where} and seq > ? order by seq limit ?`, [...of, blocks * 2, 1_000]);
      const page = `select block from blocks ${where} and conversation_id = ? order by position desc limit ?`;
      counted(await bare.rows(page, [...of, "main", LIST_PAGE]), LIST_PAGE);
    },
  };
  return await measured(`open a session of ${blocks} blocks`, pair, calls);
}

/** A file of 4 KiB that has changed: its bytes, its entry, its version; in a transaction that moves the log on. */
export async function measureSaving(under: StoreUnderBench, { files, calls }: Sizes): Promise<Measured> {
  const { store, bare } = under;
  for (const table of ["files", "blobs", "file_versions"]) await under.cloneTable(`bare_${table}`, table);
  const bytes = Buffer.alloc(4_096, "x");
  const entryOf = (index: number) => ({
    path: "src/part-7/file-7.ts",
    size: bytes.length,
    sha256: (index + 1_000_000).toString(16).padStart(64, "0"),
  });
  const pair: Pair = {
    rows: 1,
    ours: async (index) => {
      const file = entryOf(index);
      const blob = { sha256: file.sha256, offset: 0, total: bytes.length, bytes };
      const batch = {
        ...keyOf("files"),
        expectedSeq: 0,
        events: [],
        files: { put: [file], deleted: [] },
        blobs: [blob],
      };
      const [failure] = await store.append([batch]);
      if (failure !== null) throw failure ?? new Error("no outcome");
    },
    bare: (index) =>
      bare.transaction(async () => {
        const { sha256, ...file } = entryOf(index);
        const of = ["default", "files"];
        const entry = JSON.stringify({ ...file, sha256 });
        await bare.rows("update logs set last_seq = last_seq where tenant = ? and session_id = ? and last_seq = ?", [
          ...of,
          0,
        ]);
        await bare.rows(
          "insert into bare_blobs (tenant, session_id, sha256, start, length, total, bytes) values (?, ?, ?, ?, ?, ?, ?)",
          [...of, sha256, 0, bytes.length, bytes.length, bytes],
        );
        await bare.rows("delete from bare_files where tenant = ? and session_id = ? and path_key = ?", [...of, "7"]);
        await bare.rows("insert into bare_files (tenant, session_id, path_key, entry) values (?, ?, ?, ?)", [
          ...of,
          "7",
          entry,
        ]);
        await bare.rows(
          "insert into bare_file_versions (tenant, session_id, path_key, seq, entry) values (?, ?, ?, ?, ?)",
          [...of, "7", index, entry],
        );
      }),
  };
  return await measured(`save one changed file of ${files}`, pair, calls);
}
