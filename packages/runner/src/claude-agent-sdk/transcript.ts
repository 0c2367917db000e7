import { mkdir, appendFile, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { SessionKey, SessionStore, SessionStoreEntry } from "@anthropic-ai/claude-agent-sdk";
import type { EntryBody } from "@hhopkins/agent-runtime-protocol";
import type { Approvals } from "./asks/asks.ts";
import type { OpenCall } from "./asks/calls.ts";
import { approvedIn, approvedLine, deferCall, isApprovedLine } from "./asks/deferred-call.ts";
import { withoutDeferredCalls, withoutPromptRecords } from "./prompt-records.ts";
import { slimEntry } from "./transcript-line.ts";

/**
 * The harness's transcript, mirrored out line by line. A copy lies on the sandbox's disk, from which a harness that
 * died is resumed: the harness's own file may have lines that the mirror does not have, and may be in a folder that
 * went away with the process.
 */
export interface Transcript {
  readonly store: SessionStore;
  /** Whether there is a conversation to resume: in the mirror, or in a file of a harness that died very early. */
  has(sessionId: string): Promise<boolean>;
  /** Everything that the harness appended has been emitted. */
  flush(): Promise<void>;
  /** Calls that were allowed, in earlier sandboxes too. */
  readonly approvals: Approvals;
  /** Whether it has the call, so that it outlives the process; waits for what the harness appends, which trails what it says. */
  holds(toolUseId: string): Promise<boolean>;
  /** What the process appends from now on is of no worth: it is made to end. */
  freeze(): void;
  /** The next process begins with this call. Undefined where the conversation has no such call. */
  beginWith(toolUseId: string): Promise<OpenCall | undefined>;
  /** A process is opened: what it appends is kept, and only that one can begin with a call. */
  opened(): void;
}

export interface TranscriptOptions {
  readonly folder: string;
  readonly sessionId: string;
  /** The harness's own folder. */
  readonly configFolder: string;
  /** Lines of an earlier sandbox, by key. */
  readonly initial: ReadonlyMap<string, readonly string[]>;
  readonly emit: (body: EntryBody) => Promise<void>;
  /** Sees what the harness appends. */
  readonly onAppended?: (key: string, entries: readonly unknown[]) => void;
  readonly log: (message: string, detail?: unknown) => void;
}

/** For the harness to append what it has said. */
const TRAILING_MS = 5_000;
const A_MESSAGE = '"type":"user"';

/** Without the project: its name comes from the workspace's path, which differs between sandboxes. */
function keyOf({ sessionId, subpath }: Pick<SessionKey, "sessionId" | "subpath">): string {
  return subpath === undefined || subpath === "" ? sessionId : `${sessionId}/${subpath}`;
}

export async function openTranscript(options: TranscriptOptions): Promise<Transcript> {
  const { folder, sessionId, initial, emit, log } = options;
  const approved = new Set(approvedIn(initial.get(sessionId) ?? []));
  let frozen = false;
  let beginning: "not" | "next" | "now" = "not";
  const fileOf = (key: string): string => join(folder, encodeURIComponent(key));
  let emitted: Promise<void> = Promise.resolve();
  await mkdir(folder, { recursive: true });
  for (const [key, lines] of initial) {
    const kept = withoutDeferredCalls(withoutPromptRecords(lines));
    await writeFile(fileOf(key), kept.map((line) => `${line}\n`).join(""));
  }

  const readMirror = (key: string): Promise<string> => readFile(fileOf(key), "utf8").catch(() => "");

  async function mirrored(): Promise<string[]> {
    return (await readMirror(sessionId)).split("\n").filter((line) => line !== "");
  }

  async function append(key: string, lines: readonly string[]): Promise<void> {
    await appendFile(fileOf(key), lines.map((line) => `${line}\n`).join(""));
    mirror(key, lines);
  }

  async function hasOwnFile(sessionId: string): Promise<boolean> {
    const projects = join(options.configFolder, "projects");
    const names = await readdir(projects).catch(() => []);
    const files = await Promise.all(
      names.map((name) => readFile(join(projects, name, `${sessionId}.jsonl`), "utf8").catch(() => "")),
    );
    return files.some((text) => text.includes(A_MESSAGE));
  }

  async function load(key: SessionKey): Promise<SessionStoreEntry[] | null> {
    const text = await readMirror(keyOf(key));
    // Before its first message the harness writes lines that it cannot resume from.
    if (!text.includes(A_MESSAGE)) return null;
    const lines = text.split("\n").filter((line) => !isApprovedLine(line));
    const kept = beginning === "not" ? withoutDeferredCalls(lines) : lines;
    return kept.flatMap((line) => parseLine(line, log));
  }

  /** Not awaited by the harness, which gives a store only a minute: when the server is away this waits much longer. */
  function mirror(key: string, lines: readonly string[]): void {
    const send = (): Promise<void> => emit({ kind: "transcript", key, lines: [...lines] });
    emitted = emitted.then(send).catch((error: unknown) => log("transcript could not be mirrored", error));
  }

  return {
    store: {
      load,
      async append(sessionKey, entries) {
        if (frozen) return;
        const key = keyOf(sessionKey);
        await append(
          key,
          entries.map((entry) => JSON.stringify(slimEntry(entry))),
        );
        options.onAppended?.(key, entries);
      },
      async listSubkeys({ sessionId }) {
        const keys = (await readdir(folder)).map(decodeURIComponent);
        return keys.filter((key) => key.startsWith(`${sessionId}/`)).map((key) => key.slice(sessionId.length + 1));
      },
    },
    has: async (sessionId) => (await readMirror(sessionId)).includes(A_MESSAGE) || (await hasOwnFile(sessionId)),
    flush: () => emitted,
    approvals: {
      has: (toolUseId) => approved.has(toolUseId),
      async note(toolUseId) {
        if (approved.has(toolUseId)) return;
        approved.add(toolUseId);
        await append(sessionId, [approvedLine(toolUseId)]);
        await emitted;
      },
    },
    async holds(toolUseId) {
      const deadline = performance.now() + TRAILING_MS;
      while (deferCall(await mirrored(), toolUseId) === undefined) {
        if (performance.now() > deadline) return false;
        await delay(20);
      }
      return true;
    },
    freeze() {
      frozen = true;
    },
    async beginWith(toolUseId) {
      const deferred = deferCall(await mirrored(), toolUseId);
      if (deferred === undefined) return undefined;
      beginning = "next";
      await append(sessionId, [deferred.line]);
      return deferred.call;
    },
    opened() {
      frozen = false;
      beginning = beginning === "next" ? "now" : "not";
    },
  };
}

function parseLine(line: string, log: TranscriptOptions["log"]): SessionStoreEntry[] {
  if (line === "") return [];
  try {
    return [JSON.parse(line) as SessionStoreEntry];
  } catch {
    // The last line of a file that was being written when the machine stopped.
    log("transcript line left out: it is not JSON", { length: line.length });
    return [];
  }
}
