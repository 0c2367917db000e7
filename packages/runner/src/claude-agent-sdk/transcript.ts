import { mkdir, appendFile, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SessionKey, SessionStore, SessionStoreEntry } from "@anthropic-ai/claude-agent-sdk";
import type { EntryBody } from "@hhopkins/agent-runtime-protocol";
import { withoutPromptRecords } from "./prompt-records.ts";
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
}

export interface TranscriptOptions {
  readonly folder: string;
  /** The harness's own folder. */
  readonly configFolder: string;
  /** Lines of an earlier sandbox, by key. */
  readonly initial: ReadonlyMap<string, readonly string[]>;
  readonly emit: (body: EntryBody) => Promise<void>;
  readonly log: (message: string, detail?: unknown) => void;
}

const A_MESSAGE = '"type":"user"';

/** Without the project: its name comes from the workspace's path, which differs between sandboxes. */
function keyOf({ sessionId, subpath }: Pick<SessionKey, "sessionId" | "subpath">): string {
  return subpath === undefined || subpath === "" ? sessionId : `${sessionId}/${subpath}`;
}

export async function openTranscript(options: TranscriptOptions): Promise<Transcript> {
  const { folder, initial, emit, log } = options;
  const fileOf = (key: string): string => join(folder, encodeURIComponent(key));
  let emitted: Promise<void> = Promise.resolve();
  await mkdir(folder, { recursive: true });
  for (const [key, lines] of initial) {
    const kept = withoutPromptRecords(lines);
    await writeFile(fileOf(key), kept.map((line) => `${line}\n`).join(""));
  }

  const readMirror = (key: string): Promise<string> => readFile(fileOf(key), "utf8").catch(() => "");

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
    return text.split("\n").flatMap((line) => parseLine(line, log));
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
        const key = keyOf(sessionKey);
        const lines = entries.map((entry) => JSON.stringify(slimEntry(entry)));
        await appendFile(fileOf(key), lines.map((line) => `${line}\n`).join(""));
        mirror(key, lines);
      },
      async listSubkeys({ sessionId }) {
        const keys = (await readdir(folder)).map(decodeURIComponent);
        return keys.filter((key) => key.startsWith(`${sessionId}/`)).map((key) => key.slice(sessionId.length + 1));
      },
    },
    has: async (sessionId) => (await readMirror(sessionId)).includes(A_MESSAGE) || (await hasOwnFile(sessionId)),
    flush: () => emitted,
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
